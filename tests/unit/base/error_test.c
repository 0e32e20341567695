/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

static const struct {
    int value;
    const char *name;
    const char *sentence;
} errors[] = {
#define ROW(ident, value, name, sentence) {value, name, sentence},
    TG_ERR_LIST(ROW)
#undef ROW
};
#define ERRORS_COUNT (sizeof errors / sizeof errors[0])

/* If this fails a reason stored in a journal, or named in a script, means two things. */
Test(error, names_and_values_are_unique_and_found_both_ways)
{
    for (size_t i = 0; i < ERRORS_COUNT; i++) {
        int found = 1;
        cr_expect_str_eq(tg_err_name(errors[i].value), errors[i].name);
        cr_expect_str_eq(tg_err_sentence(errors[i].value), errors[i].sentence);
        cr_expect_eq(tg_err_by_name(errors[i].name, &found), TG_OK);
        cr_expect_eq(found, errors[i].value, "%s", errors[i].name);
        for (size_t j = 0; j < i; j++) {
            cr_expect_neq(errors[i].value, errors[j].value, "%s and %s", errors[i].name,
                          errors[j].name);
            cr_expect(strcmp(errors[i].name, errors[j].name) != 0, "%s twice", errors[i].name);
        }
    }
}

/* If this fails a reason does not fit the 16 bits of a row's verdict, or cannot be read by people.
 */
Test(error, every_error_fits_a_verdict_and_reads_well)
{
    for (size_t i = 0; i < ERRORS_COUNT; i++) {
        cr_expect(errors[i].value <= 0 && errors[i].value > -1000, "%s", errors[i].name);
        cr_expect_gt(strlen(errors[i].sentence), 3, "%s", errors[i].name);
        cr_expect_neq(errors[i].sentence[strlen(errors[i].sentence) - 1], '.', "%s",
                      errors[i].name);
        for (const char *at = errors[i].name; *at != '\0'; at++) {
            cr_expect(isupper((unsigned char)*at) || isdigit((unsigned char)*at) || *at == '_',
                      "%s", errors[i].name);
        }
    }
}

/* Stored in journals since the first version: moving one gives old rows another reason. */
Test(error, values_in_journals_never_move)
{
    static const struct {
        int value;
        const char *name;
    } pinned[] = {{0, "OK"},
                  {-6, "OVERFLOW"},
                  {-104, "NO_TEMPLATE"},
                  {-203, "DUPLICATE"},
                  {-201, "UNKNOWN_SUBSCRIBER"},
                  {-205, "TOO_OLD_FOR_DUPCHECK"},
                  {-301, "NO_RATE"},
                  {-305, "PERIOD_CLOSED"},
                  {-506, "PLUGIN_QUARANTINED"}};
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++) {
        cr_expect_str_eq(tg_err_name(pinned[i].value), pinned[i].name);
    }
}

/* If this fails an unknown code crashes the one who wants to tell about it. */
Test(error, unknown_codes_and_long_reasons_are_safe)
{
    int found = 7;
    cr_expect_not_null(tg_err_name(-12345));
    cr_expect_not_null(tg_err_sentence(12345));
    cr_expect_eq(tg_err_by_name("NO_SUCH_THING", &found), TG_E_NOT_FOUND);
    cr_expect_eq(found, 7);
    struct tg_why why;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_expect_eq(tg_why_set(&why, TG_E_IO, "%s", text), TG_E_IO);
    cr_expect_eq(strlen(why.text), sizeof why.text - 1);
    cr_expect_eq(tg_why_set(NULL, TG_E_IO, "nobody listens"), TG_E_IO);
}
