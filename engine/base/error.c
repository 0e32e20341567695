/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct err_text {
    int value;
    const char *name;
    const char *sentence;
};

static const struct err_text err_texts[] = {
#define TG_ERR_TEXT(name, value, text, sentence) {value, text, sentence},
    TG_ERR_LIST(TG_ERR_TEXT)
#undef TG_ERR_TEXT
};

static const struct err_text *err_find(int err)
{
    for (size_t i = 0; i < sizeof err_texts / sizeof err_texts[0]; i++) {
        if (err_texts[i].value == err) {
            return &err_texts[i];
        }
    }
    return NULL;
}

const char *tg_err_name(int err)
{
    const struct err_text *text = err_find(err);
    return text != NULL ? text->name : "UNKNOWN";
}

const char *tg_err_sentence(int err)
{
    const struct err_text *text = err_find(err);
    return text != NULL ? text->sentence : "an error this build does not know";
}

enum tg_err tg_err_by_name(const char *name, int *err)
{
    for (size_t i = 0; i < sizeof err_texts / sizeof err_texts[0]; i++) {
        if (strcmp(err_texts[i].name, name) == 0) {
            *err = err_texts[i].value;
            return TG_OK;
        }
    }
    return TG_E_NOT_FOUND;
}

enum tg_err tg_why_set(struct tg_why *why, enum tg_err err, const char *format, ...)
{
    if (why != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(why->text, sizeof why->text, format, args);
        va_end(args);
    }
    return err;
}
