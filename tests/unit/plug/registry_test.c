/* SPDX-License-Identifier: Apache-2.0 */
#include "plug/registry.h"

#include "abi/tariff.h"
#include "plug/probe.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Test(registry, built_in_tariffs_are_found_by_kind_and_name)
{
    /* If this failed, catalogs that name a built-in tariff would not compile. */
    static const char *const names[] = {"per_unit", "graduated", "volume", "package", "flat"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct tg_plug *plug = tg_plug_find(TG_PLUGIN_TARIFF, names[i]);
        cr_assert_not_null(plug, "%s", names[i]);
        cr_expect_eq(plug->origin, TG_PLUG_BUILTIN);
        cr_expect_not(tg_plug_is_quarantined(plug));
        cr_expect_null(tg_plug_find(TG_PLUGIN_DECODER, names[i]), "%s", names[i]);
    }
    cr_expect_null(tg_plug_find(TG_PLUGIN_TARIFF, "no_such"));
}

Test(registry, every_linked_in_descriptor_passes_the_checks_for_loaded_ones)
{
    /* If this failed, a built-in plug-in could not be built as a shared object as it is. */
    for (uint32_t i = 0; i < tg_plug_count(); i++) {
        struct tg_why why;
        const struct tg_plug *plug = tg_plug_at(i);
        cr_expect_eq(tg_plug_probe_descriptor(plug->name, plug->plugin, &why), TG_OK, "%s",
                     why.text);
    }
}

Test(registry, names_follow_the_rule)
{
    /* If this failed, a name could break the paths, metrics and documents it is printed in. */
    static const char *const good[] = {"a", "per_unit", "x9", "0123456789012345678901234567890"};
    static const char *const bad[] = {
        "", "A", "a-b", "a b", "../x", "01234567890123456789012345678901", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_expect(tg_plug_name_is_valid(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_not(tg_plug_name_is_valid(bad[i]), "%s", bad[i]);
    }
    cr_expect_not(tg_plug_name_is_valid(NULL));
}

Test(registry, files_others_may_write_are_not_loaded)
{
    /* If this failed, any local user could run code inside the engine. */
    char folder[] = "/tmp/tg_registry_XXXXXX";
    char path[64];
    struct tg_why why;
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/x.so", folder);
    cr_expect_eq(tg_plug_probe_file(path, &why), TG_E_PLUGIN_OPEN, "missing");
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    (void)fclose(file);
    const struct {
        mode_t mode;
        mode_t folder_mode;
        enum tg_err err;
    } rows[] = {{0644, 0755, TG_OK},
                {0664, 0755, TG_E_PLUGIN_OPEN},
                {0646, 0755, TG_E_PLUGIN_OPEN},
                {0644, 0777, TG_E_PLUGIN_OPEN},
                {0644, 01777, TG_OK}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(chmod(path, rows[i].mode), 0);
        cr_assert_eq(chmod(folder, rows[i].folder_mode), 0);
        cr_expect_eq(tg_plug_probe_file(path, &why), rows[i].err, "%03o in %03o",
                     (unsigned)rows[i].mode, (unsigned)rows[i].folder_mode);
    }
    cr_expect_eq(tg_plug_probe_file(folder, &why), TG_E_PLUGIN_OPEN, "a folder");
    (void)unlink(path);
    (void)rmdir(folder);
}

Test(registry, a_descriptor_of_another_abi_or_shape_is_refused)
{
    /* If this failed, a plug-in built against other structs would read and write past them. */
    const struct tg_plug *good = tg_plug_find(TG_PLUGIN_TARIFF, "per_unit");
    struct tg_tariff contract = *(const struct tg_tariff *)good->plugin->contract;
    struct tg_why why;
    const struct {
        const char *name;
        uint32_t abi, size, kind, contract_size, said_size;
        const char *plugin_name;
        enum tg_err err;
    } rows[] = {
        {"good", TG_ABI_VERSION, sizeof(struct tg_plugin), 2, sizeof contract, sizeof contract, "x",
         TG_OK},
        {"abi", 99, sizeof(struct tg_plugin), 2, sizeof contract, sizeof contract, "x",
         TG_E_PLUGIN_ABI},
        {"small", TG_ABI_VERSION, 8, 2, sizeof contract, sizeof contract, "x", TG_E_PLUGIN_ABI},
        {"garbage size", TG_ABI_VERSION, UINT32_MAX, 2, sizeof contract, sizeof contract, "x",
         TG_E_PLUGIN_ABI},
        {"kind", TG_ABI_VERSION, sizeof(struct tg_plugin), 9, sizeof contract, sizeof contract, "x",
         TG_E_PLUGIN_ENTRY},
        {"contract", TG_ABI_VERSION, sizeof(struct tg_plugin), 2, 8, 8, "x", TG_E_PLUGIN_ABI},
        {"as ABI 1 began", TG_ABI_VERSION, sizeof(struct tg_plugin), 2, 24, 24, "x", TG_OK},
        {"of a newer engine", TG_ABI_VERSION, sizeof(struct tg_plugin), 2, 64, 64, "x", TG_OK},
        {"two sizes", TG_ABI_VERSION, sizeof(struct tg_plugin), 2, sizeof contract, 16, "x",
         TG_E_PLUGIN_ABI},
        {"name", TG_ABI_VERSION, sizeof(struct tg_plugin), 2, sizeof contract, sizeof contract,
         "X y", TG_E_PLUGIN_ENTRY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        contract.size_bytes = rows[i].said_size;
        const struct tg_plugin plugin = {
            rows[i].abi,         rows[i].size, rows[i].kind, rows[i].contract_size,
            rows[i].plugin_name, "1",          "s",          &contract};
        cr_expect_eq(tg_plug_probe_descriptor("t", &plugin, &why), rows[i].err, "%s", rows[i].name);
    }
    cr_expect_eq(tg_plug_probe_descriptor("t", NULL, &why), TG_E_PLUGIN_ENTRY);
    contract.size_bytes = sizeof contract;
    contract.price = NULL;
    const struct tg_plugin hollow = {
        TG_ABI_VERSION, sizeof hollow, 2, sizeof contract, "x", "1", "s", &contract};
    cr_expect_eq(tg_plug_probe_descriptor("t", &hollow, &why), TG_E_PLUGIN_ENTRY);
}

Test(registry, a_refused_file_keeps_its_name_and_suspends)
{
    /* If this failed, a tariff that no longer loads would make the whole catalog unusable, or its
     * rows free of charge. */
    char path[] = "/tmp/tg_refused_XXXXXX";
    const int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, "not an object", 13) == 13);
    (void)close(file);
    struct tg_why why;
    cr_expect_eq(tg_plug_load(path, &why), TG_E_PLUGIN_OPEN);
    cr_expect(strstr(why.text, path) != NULL, "%s", why.text);
    const struct tg_plug *plug = tg_plug_at(tg_plug_count() - 1);
    cr_assert_eq(plug->origin, TG_PLUG_REFUSED);
    cr_expect(tg_plug_is_quarantined(plug));
    cr_expect_eq(tg_plug_find(TG_PLUGIN_TARIFF, plug->name), plug);
    const struct tg_tariff *stand_in = plug->plugin->contract;
    struct tg_tariff_row row = {.units = 1};
    struct tg_tariff_result result = {0};
    cr_expect_eq(stand_in->price(NULL, 0, &row, 1, &result), 1);
    cr_expect_eq(result.verdict, TG_E_PLUGIN_QUARANTINED);
    cr_expect_eq(tg_plug_release((struct tg_plug *)(uintptr_t)plug), TG_E_STATE);
    (void)unlink(path);
}
