/* SPDX-License-Identifier: Apache-2.0 */
#include "record/charge.h"

const char *tg_fate_name(unsigned fate)
{
    static const char *const names[TG_FATE_COUNT] = {"none",     "rated",  "suspended", "duplicate",
                                                     "filtered", "merged", "held"};
    return fate < TG_FATE_COUNT ? names[fate] : "unknown";
}
