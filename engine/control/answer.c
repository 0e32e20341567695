/* SPDX-License-Identifier: Apache-2.0 */
#include "control/answer.h"

struct tg_json *tg_answer_ok(void)
{
    struct tg_json *answer = tg_json_object();
    tg_json_set_bool(answer, "ok", true);
    return answer;
}

struct tg_json *tg_answer_error(enum tg_err err, const char *text)
{
    struct tg_json *answer = tg_json_object();
    tg_json_set_bool(answer, "ok", false);
    tg_json_set_string(answer, "reason", tg_err_name(err));
    tg_json_set_string(answer, "message",
                       text != NULL && text[0] != '\0' ? text : tg_err_sentence(err));
    return answer;
}
