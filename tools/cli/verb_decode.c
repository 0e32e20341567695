/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_feed.h"
#include "cli/decode_file.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: tollgate decode [OPTION...] FILE...\n"
    "\n"
    "Print what is in the files: exactly one JSON object a usage record on stdout, one a refusal "
    "on\n"
    "stderr. Nothing else is printed on stdout. Nothing is stored or rated.\n"
    "\n"
    "FILE is a capture (pcap, pcapng), a bare datagram payload, an IPFIX file (RFC 5655: *.ipfix "
    "or\n"
    "longer than a datagram), CSV or syslog lines; /dev/stdin and pipes do too. Several files are\n"
    "read in order and share the decoders' state: templates in one serve data in the next.\n"
    "\n"
    "  --decoder NAME   use this decoder for everything; default: ask each of them, .csv is csv\n"
    "  --set KEY=VALUE  setting of a decoder, repeatable: secret.default=..., columns.caller=2;\n"
    "                   radius.secret.default=... when several decoders could be meant\n"
    "  --map FILE       settings as key=value lines, e.g. schemas/csv/*.map\n"
    "  --messages       payload files hold IPFIX messages in a row, whatever their name\n"
    "  --port N         of captures: only datagrams to this UDP port\n"
    "  --arrival TIME   RFC 3339; when bytes arrived that have no time of their own (bare "
    "payloads,\n"
    "                   lines); default: when the file was changed\n"
    "  --no-options     leave out options data records\n"
    "  --all            also print sessions (RADIUS start, stop) and observations (syslog), as\n"
    "                   objects with \"kind\"\n"
    "  --stats          print counts by reason on stderr at the end\n"
    "\n"
    "A row has: file, offset (in the file, of the record's first field), frame (captures), "
    "decoder,\n"
    "service, subscriber and peer {kind, key}, start, duration_ms, quantity_up, quantity_down,\n"
    "rating_group, sequence, closing_cause, record_key, flags, exporter, domain, fields "
    "(everything\n"
    "on the wire by its standard's name; a second one of a name gets \"#2\", an unknown one is\n"
    "e<enterprise>id<element>).\n"
    "Options data records are rows too: service \"options\", no quantity.\n"
    "Data that came before its template waits for it; its rows have \"late\": true and come at "
    "the\n"
    "end, unless the exporter sent the same record again. What still waits then is refused\n"
    "NO_TEMPLATE.\n"
    "A refusal has: file, offset, length, reason, field, decoder, and where known fault_offset.\n"
    "Frames that are no UDP over IP are passed over (--stats counts them).\n"
    "\n"
    "Exit 0: nothing was refused. 1: something was, or a file cannot be read. 2: usage.\n";

extern const struct tg_verb tg_verb_decode;

/* What the command line said. Texts of a map file live until the process ends. */
struct request {
    struct tg_decode_options options;
    uint16_t port;
    int64_t arrival_ns;
    bool wants_stats;
    bool is_message_file;
    char **files; /* argv, compacted */
    int files_count;
};

static bool setting_add(struct request *request, char *text, const char *file, uint32_t line)
{
    char *equals = strchr(text, '=');
    if (equals == NULL || equals == text ||
        request->options.settings_count == TG_DECODE_SETTINGS_MAX) {
        return false;
    }
    *equals = '\0';
    request->options.settings[request->options.settings_count++] = (struct tg_setting){
        .key = text, .value = equals + 1, .file = file, .line = line, .column = 1};
    return true;
}

static int map_read(struct request *request, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return tg_cli_problem(&tg_verb_decode, "%s: %m", path);
    }
    int code = TG_EXIT_OK;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    for (uint32_t number = 1; code == TG_EXIT_OK && (length = getline(&line, &room, file)) >= 0;
         number++) {
        while (length > 0 && strchr("\r\n\t ", line[length - 1]) != NULL) {
            line[--length] = '\0';
        }
        char *text = line + strspn(line, " \t");
        if (*text == '\0' || *text == '#') {
            continue;
        }
        if (!setting_add(request, text, path, number)) {
            code = tg_cli_usage(&tg_verb_decode, "%s:%u: not a key=value line", path, number);
        }
        line = NULL; /* the settings keep it */
        room = 0;
    }
    free(line);
    (void)fclose(file);
    return code;
}

static bool number_read(const char *text, unsigned long most, unsigned long *value)
{
    char *end = NULL;
    *value = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && *value > 0 && *value <= most;
}

/* An option with a value; argv[i + 1] is there. */
static int option_value(struct request *request, const char *option, char *value)
{
    unsigned long number = 0;
    if (strcmp(option, "--decoder") == 0) {
        request->options.decoder = value;
        return TG_EXIT_OK;
    }
    if (strcmp(option, "--map") == 0) {
        return map_read(request, value);
    }
    if (strcmp(option, "--set") == 0) {
        return setting_add(request, value, NULL, 0)
                   ? TG_EXIT_OK
                   : tg_cli_usage(&tg_verb_decode, "--set wants KEY=VALUE, not '%s'", value);
    }
    if (strcmp(option, "--port") == 0) {
        if (!number_read(value, UINT16_MAX, &number)) {
            return tg_cli_usage(&tg_verb_decode, "--port wants 1..65535, not '%s'", value);
        }
        request->port = (uint16_t)number;
        return TG_EXIT_OK;
    }
    return tg_clock_parse(value, strlen(value), &request->arrival_ns) == TG_OK
               ? TG_EXIT_OK
               : tg_cli_usage(&tg_verb_decode, "--arrival wants RFC 3339 time, not '%s'", value);
}

static int request_read(struct request *request, int argc, char **argv)
{
    static const char *const valued[] = {"--decoder", "--set", "--map", "--port", "--arrival"};
    bool is_options_over = false;
    request->files = argv;
    for (int i = 1; i < argc; i++) {
        bool wants_value = false;
        for (size_t k = 0; k < sizeof valued / sizeof valued[0]; k++) {
            wants_value = wants_value || strcmp(argv[i], valued[k]) == 0;
        }
        if (is_options_over || argv[i][0] != '-') {
            request->files[request->files_count++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            is_options_over = true;
        } else if (wants_value) {
            if (i + 1 == argc) {
                return tg_cli_usage(&tg_verb_decode, "%s wants a value", argv[i]);
            }
            const int code = option_value(request, argv[i], argv[i + 1]);
            if (code != TG_EXIT_OK) {
                return code;
            }
            i++;
        } else if (strcmp(argv[i], "--all") == 0) {
            request->options.wants_all = true;
        } else if (strcmp(argv[i], "--no-options") == 0) {
            request->options.omits_options = true;
        } else if (strcmp(argv[i], "--stats") == 0) {
            request->wants_stats = true;
        } else if (strcmp(argv[i], "--messages") == 0) {
            request->is_message_file = true;
        } else if (strcmp(argv[i], "--json") != 0) { /* its output always is */
            return tg_cli_usage(&tg_verb_decode, "unknown option '%s'", argv[i]);
        }
    }
    return request->files_count > 0 ? TG_EXIT_OK
                                    : tg_cli_usage(&tg_verb_decode, "no file is named");
}

static void stats_print(const struct tg_decode_reader *reader)
{
    const struct tg_decode_counts *counts = tg_decode_feed_counts(reader->feed);
    struct tg_text text = {NULL, 0, 0};
    const struct {
        const char *key;
        uint64_t value;
    } members[] = {{"{\"stats\":{\"inputs\":", counts->inputs_count},
                   {",\"rows\":", counts->rows_count},
                   {",\"options\":", counts->options_count},
                   {",\"sessions\":", counts->sessions_count},
                   {",\"observations\":", counts->observations_count},
                   {",\"parked\":", counts->parked_count},
                   {",\"late_again\":", counts->late_again_count},
                   {",\"frames\":", reader->frames_count},
                   {",\"frames_not_udp\":", reader->not_udp_count},
                   {",\"other_port\":", reader->other_port_count},
                   {",\"refused\":", counts->refusals_count}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        tg_text_put(&text, members[i].key);
        tg_text_unsigned(&text, members[i].value);
    }
    tg_text_put(&text, ",\"reasons\":{");
    for (uint32_t i = 0; i < counts->reasons_count; i++) {
        const char *name = tg_err_name(counts->reasons[i].reason);
        tg_text_put(&text, i > 0 ? "," : "");
        tg_text_quote(&text, name, strlen(name));
        tg_text_put(&text, ":");
        tg_text_unsigned(&text, counts->reasons[i].count);
    }
    tg_text_put(&text, "}}}\n");
    (void)tg_text_flush(&text, stderr);
    tg_text_free(&text);
}

static int settings_check(const struct request *request)
{
    int code = TG_EXIT_OK;
    for (uint32_t i = 0; i < request->options.settings_count; i++) {
        if (!request->options.is_taken[i]) {
            code =
                tg_cli_problem(&tg_verb_decode, "no decoder that was used knows the setting '%s'",
                               request->options.settings[i].key);
        }
    }
    return code;
}

static uint64_t files_bytes(const struct request *request)
{
    uint64_t total = 0;
    for (int i = 0; i < request->files_count; i++) {
        struct stat about;
        total += stat(request->files[i], &about) == 0 ? (uint64_t)about.st_size : 0;
    }
    return total;
}

static int decode_files(struct request *request, struct tg_decode_feed *feed)
{
    struct tg_progress progress;
    struct tg_decode_reader reader = {.feed = feed,
                                      .progress = &progress,
                                      .port = request->port,
                                      .is_message_file = request->is_message_file,
                                      .arrival_ns = request->arrival_ns};
    struct tg_why why = {.text = ""};
    int code = TG_EXIT_OK;
    tg_progress_start(&progress, "decode", files_bytes(request));
    for (int i = 0; i < request->files_count; i++) {
        if (tg_decode_file(&reader, request->files[i], &why) != TG_OK) {
            code = tg_cli_problem(&tg_verb_decode, "%s", why.text);
            if (ferror(stdout)) {
                return code;
            }
        }
    }
    tg_progress_end(&progress);
    if (!tg_decode_feed_end(feed)) {
        return tg_cli_problem(&tg_verb_decode, "standard output cannot be written to");
    }
    if (request->wants_stats) {
        stats_print(&reader);
    }
    const int unknown = settings_check(request);
    const bool is_refused = tg_decode_feed_counts(feed)->refusals_count > 0;
    return code != TG_EXIT_OK ? code : is_refused ? TG_EXIT_PROBLEM : unknown;
}

static int decode_run(int argc, char **argv)
{
    static struct request request = {.arrival_ns = INT64_MIN};
    struct tg_decode_feed *feed = NULL;
    struct tg_why why = {.text = ""};
    int code = request_read(&request, argc, argv);
    if (code != TG_EXIT_OK) {
        return code;
    }
    const enum tg_err err = tg_decode_feed_open(&request.options, &feed, &why);
    if (err != TG_OK) {
        return err == TG_E_NO_MEMORY ? tg_cli_problem(&tg_verb_decode, "%s", why.text)
                                     : tg_cli_usage(&tg_verb_decode, "%s", why.text);
    }
    code = decode_files(&request, feed);
    tg_decode_feed_close(feed);
    return code;
}

const struct tg_verb tg_verb_decode = {
    .name = "decode",
    .summary = "print the usage records in captures and files as JSON Lines",
    .usage = usage,
    .run = decode_run,
};
