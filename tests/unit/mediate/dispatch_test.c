/* SPDX-License-Identifier: Apache-2.0 */
#include "mediate/dispatch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static int open_count;
static int closed_count;

static bool probe_five(const uint8_t *bytes, uint32_t length_bytes)
{
    return length_bytes > 0 && bytes[0] == 5;
}

static bool probe_nine(const uint8_t *bytes, uint32_t length_bytes)
{
    return length_bytes > 0 && bytes[0] == 9;
}

static enum tg_err open_state(const struct tg_decoder_config *config, void **state,
                              struct tg_complaint *why)
{
    *state = NULL;
    if (config->settings_count > 0) {
        why->setting_index = 0;
        (void)snprintf(why->text, sizeof why->text, "%s is unknown", config->settings[0].key);
        return TG_E_INVALID;
    }
    open_count++;
    *state = &open_count;
    return TG_OK;
}

static void close_state(void *state)
{
    closed_count += state == &open_count;
}

static const struct tg_decoder five = {
    .size_bytes = sizeof five, .probe = probe_five, .open = open_state, .close = close_state};
static const struct tg_decoder nine = {
    .size_bytes = sizeof nine, .probe = probe_nine, .open = open_state, .close = close_state};
static const struct tg_decoder any = {
    .size_bytes = sizeof any, .open = open_state, .close = close_state};

static const struct tg_decoder_config no_settings = {.size_bytes = sizeof no_settings};

static uint8_t find(const struct tg_dispatch *dispatch, uint8_t first, uint16_t port)
{
    const struct tg_input input = {.bytes = &first, .length_bytes = 1, .local_port = port};
    return tg_dispatch_find(dispatch, &input);
}

/* If this fails v9 packets are read as v5, or a port nobody configured is listened to. */
Test(dispatch, port_and_version_choose_the_decoder)
{
    struct tg_dispatch dispatch = {.slots_count = 0};
    cr_assert_eq(tg_dispatch_add(&dispatch, "five", &five, 2055, &no_settings, NULL), TG_OK);
    cr_assert_eq(tg_dispatch_add(&dispatch, "nine", &nine, 2055, &no_settings, NULL), TG_OK);
    cr_assert_eq(tg_dispatch_add(&dispatch, "any", &any, 514, &no_settings, NULL), TG_OK);
    cr_assert_eq(tg_dispatch_add(&dispatch, "file", &any, 0, &no_settings, NULL), TG_OK);
    cr_expect_eq(find(&dispatch, 5, 2055), 0);
    cr_expect_eq(find(&dispatch, 9, 2055), 1);
    cr_expect_eq(find(&dispatch, 7, 2055), TG_DECODER_NONE, "a version nobody reads");
    cr_expect_eq(find(&dispatch, 7, 514), 2, "without a probe the port is enough");
    cr_expect_eq(find(&dispatch, 5, 4739), TG_DECODER_NONE, "another port");
    cr_expect_eq(find(&dispatch, 5, 0), TG_DECODER_NONE, "a decoder for files takes no datagram");
    cr_expect_eq(tg_dispatch_by_name(&dispatch, "file"), 3);
    cr_expect_eq(tg_dispatch_by_name(&dispatch, "fil"), TG_DECODER_NONE);
    tg_dispatch_close(&dispatch);
    cr_expect_eq(open_count, 4);
    cr_expect_eq(closed_count, 4);
}

/* If this fails a mistake in a decoder's settings is told without its place. */
Test(dispatch, refused_settings_are_told_with_file_line_and_column)
{
    struct tg_dispatch dispatch = {.slots_count = 0};
    struct tg_why why = {.text = ""};
    const struct tg_setting setting = {"frob", "1", "tollgate.yaml", 12, 7};
    const struct tg_decoder_config config = {
        .size_bytes = sizeof config, .settings_count = 1, .settings = &setting};
    cr_expect_eq(tg_dispatch_add(&dispatch, "five", &five, 2055, &config, &why), TG_E_INVALID);
    cr_expect_str_eq(why.text, "tollgate.yaml:12:7: decoder five: frob is unknown");
    cr_expect_eq(dispatch.slots_count, 0);
    for (uint32_t i = 0; i < TG_DECODERS_MAX; i++) {
        cr_assert_eq(tg_dispatch_add(&dispatch, "five", &five, 2055, &no_settings, NULL), TG_OK);
    }
    cr_expect_eq(tg_dispatch_add(&dispatch, "five", &five, 2055, &no_settings, &why), TG_E_FULL);
    tg_dispatch_close(&dispatch);
}
