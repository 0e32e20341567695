/* SPDX-License-Identifier: Apache-2.0 */
/* quote: usage in as JSON Lines, charges out as JSON Lines, through the engine's own rate stage. */
#include "cli/cli.h"

#include "cli/quote_run.h"

#include <string.h>

extern const struct tg_verb tg_verb_quote;

static int value_take(struct tg_cli_quote *quote, const char *option, const char *value)
{
    if (strcmp(option, "--data") == 0) {
        quote->data = value;
    } else if (strcmp(option, "--order") == 0) {
        if (strcmp(value, "event") != 0 && strcmp(value, "arrival") != 0) {
            return tg_cli_usage(&tg_verb_quote, "--order wants event or arrival");
        }
        quote->is_by_arrival = strcmp(value, "arrival") == 0;
    } else if (strcmp(option, "--plugin") == 0) {
        if (quote->plugins_count == TG_CLI_QUOTE_PLUGINS_MAX) {
            return tg_cli_usage(&tg_verb_quote, "at most %u plug-ins", TG_CLI_QUOTE_PLUGINS_MAX);
        }
        quote->plugins[quote->plugins_count++] = value;
    } else {
        if (quote->catalogs_count == TG_CLI_QUOTE_CATALOGS_MAX) {
            return tg_cli_usage(&tg_verb_quote, "at most %u catalogs", TG_CLI_QUOTE_CATALOGS_MAX);
        }
        quote->catalogs[quote->catalogs_count++] = value;
    }
    return TG_EXIT_OK;
}

static int arguments_check(const struct tg_cli_quote *quote)
{
    if (quote->catalogs_count == 0 && quote->data == NULL) {
        return tg_cli_usage(&tg_verb_quote, "--catalog DIR is missing");
    }
    if (quote->catalogs_count > 1 && quote->data == NULL) {
        return tg_cli_usage(&tg_verb_quote, "several versions of a catalog need --data DIR");
    }
    if (quote->is_fresh && quote->data != NULL) {
        return tg_cli_usage(&tg_verb_quote, "--fresh prices what no journal can hold: no --data");
    }
    return TG_EXIT_OK;
}

static int quote_run(int argc, char **argv)
{
    struct tg_cli_quote quote = {.out = stdout};
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i];
        const bool has_value = strcmp(option, "--catalog") == 0 ||
                               strcmp(option, "--plugin") == 0 || strcmp(option, "--order") == 0 ||
                               strcmp(option, "--data") == 0;
        if (has_value && i + 1 == argc) {
            return tg_cli_usage(&tg_verb_quote, "%s needs a value", option);
        }
        if (has_value) {
            const int code = value_take(&quote, option, argv[++i]);
            if (code != TG_EXIT_OK) {
                return code;
            }
        } else if (strcmp(option, "--fresh") == 0) {
            quote.is_fresh = true;
        } else if (strcmp(option, "--state") == 0 || strcmp(option, "--json") == 0) {
            continue; /* what happens anyway */
        } else if (option[0] == '-' && option[1] != '\0') {
            return tg_cli_usage(&tg_verb_quote, "unknown option %s", option);
        } else if (quote.file == NULL) {
            quote.file = option;
        } else {
            return tg_cli_usage(&tg_verb_quote, "one input file at most");
        }
    }
    const int code = arguments_check(&quote);
    return code != TG_EXIT_OK ? code : tg_cli_quote_run(&tg_verb_quote, &quote);
}

const struct tg_verb tg_verb_quote = {
    .name = "quote",
    .summary = "price usage from JSON Lines with a catalog folder",
    .usage =
        "usage: tollgate quote --catalog DIR [--plugin FILE.so]... [--order event|arrival]\n"
        "                      [--fresh] [FILE]\n"
        "       tollgate quote [--catalog DIR]... --data DIR [--plugin FILE.so]...\n"
        "                      [--order event|arrival] [FILE]\n"
        "\n"
        "Reads one usage row a line (JSON) from FILE or stdin and prints one charge a line with\n"
        "its breakdown, priced by the engine's own rate stage. Lines of one run share allowances\n"
        "and counters: they are priced in the order of their events (start, then line) and\n"
        "answered in the order of the lines. Lines with an `action` top up prepaid accounts, or\n"
        "ask what they have; usage is taken from that.\n"
        "\n"
        "  --catalog DIR     folder with the catalog's YAML and CSV\n"
        "  --data DIR        keep all of it: the catalog is stored in DIR (several, in order, for\n"
        "                    versions that follow each other; none: what is stored there), rows\n"
        "                    and verdicts become its journal. Again with later usage they go\n"
        "                    behind it, late where a bill is issued. `tollgate bill run --data "
        "DIR\n"
        "                    --period YYYY-MM` makes the invoices; explain, whatif, rerate, audit\n"
        "                    read it too. `tollgate bill run --catalog DIR --usage FILE` is both\n"
        "                    in one go\n"
        "  --plugin FILE.so  load a tariff first; may be repeated. A refused one is explained on\n"
        "                    stderr and the rows it should price come out suspended\n"
        "  --order arrival   price lines as they come, as the engine does with what arrives; one\n"
        "                    that is a period late is counted there, an older one is suspended\n"
        "                    (PERIOD_CLOSED). --order event, the default, holds all lines first\n"
        "  --fresh           price every line as if it were the subscriber's first\n"
        "\n"
        "  {\"subscriber\":\"+4915112345678\",\"service\":\"voice\",\"peer\":\"+4930123456\",\n"
        "   \"start\":\"2026-11-23T06:10:00Z\",\"duration_s\":61}\n"
        "\n"
        "Keys: schemas/quote/usage.schema.json; answers: schemas/quote/charge.schema.json.\n"
        "Exit code 1 when a line could not be read or a plug-in was refused; other lines go on.\n",
    .run = quote_run,
};
