/* SPDX-License-Identifier: Apache-2.0 */
/* plugin: what is linked in, whether a shared object would be accepted, and a folder to start from.
 */
#include "cli/cli.h"

#include "cli/plugin_bpf.h"
#include "cli/plugin_template.h"
#include "control/plugin_commands.h"
#include "control/socket.h"
#include "doc/json.h"
#include "plug/bpf.h"
#include "plug/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern const struct tg_verb tg_verb_plugin;

/* One line each; what is out of use says why on a second one. */
static void list_print(const struct tg_json *list)
{
    for (size_t i = 0; i < tg_json_count(list); i++) {
        const struct tg_json *entry = tg_json_at(list, i);
        const char *fault = tg_json_get_text(entry, "fault", NULL);
        (void)printf("%-8s %-16s %-8s %-8s %s\n", tg_json_get_text(entry, "kind", ""),
                     tg_json_get_text(entry, "name", ""), tg_json_get_text(entry, "origin", ""),
                     tg_json_get_text(entry, "version", ""),
                     tg_json_get_text(entry, "summary", ""));
        if (fault != NULL) {
            (void)printf("         out of use: %s: %s\n", tg_json_get_text(entry, "quarantine", ""),
                         fault);
        }
    }
}

/* Ask the running engine; its answer, or NULL with the exit code. */
static struct tg_json *engine_ask(const char *data_dir, const char *command, const char *name,
                                  int *code)
{
    enum { ANSWER_BYTES = 131072 };
    char path[4096];
    struct tg_json *answer = NULL;
    struct tg_why why = {""};
    char *text = malloc(ANSWER_BYTES);
    struct tg_json *request = tg_json_object();
    (void)snprintf(path, sizeof path, "%s/control.sock", data_dir);
    tg_json_set_string(request, "command", command);
    if (name != NULL) {
        tg_json_set_string(request, "name", name);
    }
    char *asked = tg_json_dump(request, NULL);
    enum tg_err err =
        text != NULL ? tg_control_ask(path, asked, text, ANSWER_BYTES) : TG_E_NO_MEMORY;
    *code = TG_EXIT_PROBLEM;
    if (err == TG_E_UNREACHABLE) {
        (void)tg_cli_problem(&tg_verb_plugin, "no engine answers on %s", path);
        *code = TG_EXIT_UNREACHABLE;
    } else if (err != TG_OK || tg_json_parse(text, strlen(text), &answer, &why) != TG_OK) {
        (void)tg_cli_problem(&tg_verb_plugin, "%s", tg_err_sentence(err));
    } else if (!tg_json_get_bool(answer, "ok", false)) {
        (void)tg_cli_problem(&tg_verb_plugin, "%s: %s", tg_json_get_text(answer, "reason", ""),
                             tg_json_get_text(answer, "message", ""));
        tg_json_free(answer);
        answer = NULL;
    }
    tg_json_text_free(asked);
    tg_json_free(request);
    free(text);
    return answer;
}

static int plugin_list(const char *data_dir, bool is_json)
{
    int code = TG_EXIT_OK;
    struct tg_json *answer =
        data_dir != NULL ? engine_ask(data_dir, "plugins", NULL, &code) : tg_command_plugins();
    if (answer == NULL) {
        return code;
    }
    const struct tg_json *list = tg_json_get(answer, "plugins");
    if (is_json) {
        (void)tg_json_print(list, false, stdout);
        (void)fputc('\n', stdout);
    } else {
        list_print(list);
    }
    tg_json_free(answer);
    return TG_EXIT_OK;
}

static int plugin_reload(const char *name, const char *data_dir, bool is_json)
{
    int code = TG_EXIT_OK;
    struct tg_json *answer = engine_ask(data_dir, "plugin_reload", name, &code);
    if (answer == NULL) {
        return code;
    }
    const struct tg_json *plugin = tg_json_get(answer, "plugin");
    if (is_json) {
        (void)tg_json_print(plugin, false, stdout);
        (void)fputc('\n', stdout);
    } else {
        (void)printf("%s: version %s, hash %s, prices from now on\n", name,
                     tg_json_get_text(plugin, "version", ""), tg_json_get_text(plugin, "hash", ""));
    }
    tg_json_free(answer);
    return TG_EXIT_OK;
}

static int plugin_check(const char *path, bool is_json)
{
    char name[TG_PLUG_NAME_BYTES_MAX] = "";
    struct tg_why why = {{0}};
    struct tg_bpf_code *code = NULL;
    enum tg_err err;
    if (tg_plugin_is_bpf(path)) {
        err = tg_plugin_bpf_check(path, &code, &why);
    } else {
        err = tg_plug_check(path, name, &why);
    }
    const uint64_t hash = code != NULL ? code->hash : 0;
    const uint32_t insns_count = code != NULL ? code->insns_count : 0;
    free(code);
    if (is_json) {
        struct tg_json *json = tg_json_object();
        tg_json_set_string(json, "file", path);
        tg_json_set_string(json, "name", name[0] != '\0' ? name : NULL);
        if (hash != 0) {
            char text[20];
            (void)snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
            tg_json_set_string(json, "hash", text);
            tg_json_set_integer(json, "instructions", insns_count);
        }
        tg_json_set_bool(json, "accepted", err == TG_OK);
        tg_json_set_string(json, "reason", tg_err_name(err));
        tg_json_set_string(json, "detail", err == TG_OK ? NULL : why.text);
        (void)tg_json_print(json, false, stdout);
        (void)fputc('\n', stdout);
        tg_json_free(json);
    } else if (err == TG_OK && hash != 0) {
        (void)printf("%s: accepted: %u instructions, hash %016llx\n", path, insns_count,
                     (unsigned long long)hash);
    } else if (err == TG_OK) {
        (void)printf("%s: accepted as '%s'\n", path, name);
    } else {
        (void)printf("%s: refused: %s: %s\n", path, tg_err_name(err), why.text);
    }
    return err == TG_OK ? TG_EXIT_OK : TG_EXIT_PROBLEM;
}

/* Write a template with every "@NAME@" replaced; 0 or an errno. */
static int template_write(const char *folder, const char *file, const char *text, const char *name)
{
    char path[512];
    static const char mark[] = "@NAME@";
    if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path) {
        return ENAMETOOLONG;
    }
    FILE *to = fopen(path, "wxe"); /* never over something that is there */
    if (to == NULL) {
        return errno;
    }
    for (const char *at = text; *at != '\0';) {
        const char *next = strstr(at, mark);
        const size_t length = next != NULL ? (size_t)(next - at) : strlen(at);
        (void)fwrite(at, 1, length, to);
        if (next == NULL) {
            break;
        }
        (void)fputs(name, to);
        at = next + sizeof mark - 1;
    }
    const bool failed = ferror(to) != 0;
    return fclose(to) != 0 || failed ? EIO : 0;
}

struct new_file {
    const char *file;
    const char *text;
};

static int files_write(const char *name, const struct new_file *files, size_t files_count)
{
    for (size_t i = 0; i < files_count; i++) {
        const int failure = template_write(name, files[i].file, files[i].text, name);
        if (failure != 0) {
            return tg_cli_problem(&tg_verb_plugin, "%s/%s: %s", name, files[i].file,
                                  strerror(failure));
        }
    }
    return TG_EXIT_OK;
}

static int plugin_new(const char *name, bool is_bpf)
{
    if (!tg_plug_name_is_valid(name) || (name[0] >= '0' && name[0] <= '9')) {
        return tg_cli_usage(&tg_verb_plugin,
                            "'%s': a name is a letter or _, then [a-z0-9_], "
                            "31 in all",
                            name);
    }
    char catalog[TG_PLUG_NAME_BYTES_MAX + 16];
    (void)snprintf(catalog, sizeof catalog, "%s/catalog", name);
    if (mkdir(name, 0755) != 0 || mkdir(catalog, 0755) != 0) {
        return tg_cli_problem(&tg_verb_plugin, "%s: %s", name, strerror(errno));
    }
    char source[TG_PLUG_NAME_BYTES_MAX + 16];
    char test[TG_PLUG_NAME_BYTES_MAX + 16];
    (void)snprintf(source, sizeof source, "%s.c", name);
    (void)snprintf(test, sizeof test, "%s_test.c", name);
    const struct new_file files[] = {
        {"catalog/accounts.csv", tg_plugin_template_accounts},
        {"catalog/subscribers.csv", tg_plugin_template_subscribers},
        {"usage.jsonl", tg_plugin_template_usage},
        {source, is_bpf ? tg_plugin_template_bpf_source : tg_plugin_template_source},
        {"CMakeLists.txt", is_bpf ? tg_plugin_template_bpf_cmake : tg_plugin_template_cmake},
        {"README.md", is_bpf ? tg_plugin_template_bpf_readme : tg_plugin_template_readme},
        {"catalog/catalog.yaml",
         is_bpf ? tg_plugin_template_bpf_catalog : tg_plugin_template_catalog},
        {test, tg_plugin_template_test}};
    const size_t files_count = sizeof files / sizeof files[0] - (is_bpf ? 1 : 0);
    const int code = files_write(name, files, files_count);
    if (code != TG_EXIT_OK) {
        return code;
    }
    (void)printf("%s/ is ready: %s%s%s, CMakeLists.txt, README.md, a catalog and a record\n"
                 "  cmake -S %s -B %s/build -DTOLLGATE_PREFIX=/usr/local\n"
                 "  cmake --build %s/build && ctest --test-dir %s/build\n"
                 "  tollgate quote --catalog %s/catalog %s%s%s%s%s%s/usage.jsonl\n",
                 name, source, is_bpf ? "" : ", ", is_bpf ? "" : test, name, name, name, name, name,
                 is_bpf ? "" : "--plugin ", is_bpf ? "" : name, is_bpf ? "" : "/build/",
                 is_bpf ? "" : name, is_bpf ? "" : ".so ", name);
    return TG_EXIT_OK;
}

static int plugin_build(const char *source, const char *object, bool is_json)
{
    char made[4096];
    const size_t length = strlen(source);
    if (length < 3 || length >= sizeof made || strcmp(source + length - 2, ".c") != 0) {
        return tg_cli_usage(&tg_verb_plugin, "%s: build takes a file that ends in .c", source);
    }
    if (object == NULL) {
        (void)snprintf(made, sizeof made, "%.*s.o", (int)(length - 2), source);
        object = made;
    }
    struct tg_why why = {{0}};
    if (tg_plugin_bpf_build(source, object, &why) != TG_OK) {
        return tg_cli_problem(&tg_verb_plugin, "%s", why.text);
    }
    return plugin_check(object, is_json);
}

static int plugin_run(int argc, char **argv)
{
    bool is_json = false;
    bool is_bpf = false;
    const char *object = NULL;
    const char *data_dir = NULL;
    const char *words[2] = {NULL, NULL};
    int words_count = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            is_json = true;
        } else if (strcmp(argv[i], "--bpf") == 0) {
            is_bpf = true;
        } else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc) {
            object = argv[++i];
        } else if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            data_dir = argv[++i];
        } else if (argv[i][0] == '-') {
            return tg_cli_usage(&tg_verb_plugin, "unknown option %s", argv[i]);
        } else if (words_count == 2) {
            return tg_cli_usage(&tg_verb_plugin, "too many arguments");
        } else {
            words[words_count++] = argv[i];
        }
    }
    if (words[0] != NULL && strcmp(words[0], "list") == 0 && words[1] == NULL) {
        return plugin_list(data_dir, is_json);
    }
    if (words[1] != NULL && strcmp(words[0], "check") == 0) {
        return plugin_check(words[1], is_json);
    }
    if (words[1] != NULL && strcmp(words[0], "reload") == 0) {
        return plugin_reload(words[1], data_dir != NULL ? data_dir : "data", is_json);
    }
    if (words[1] != NULL && strcmp(words[0], "build") == 0) {
        return plugin_build(words[1], object, is_json);
    }
    if (words[1] != NULL && strcmp(words[0], "new") == 0) {
        return plugin_new(words[1], is_bpf);
    }
    return tg_cli_usage(&tg_verb_plugin, "say list, check FILE, build FILE.c, new NAME or "
                                         "reload NAME");
}

const struct tg_verb tg_verb_plugin = {
    .name = "plugin",
    .summary = "list plug-ins, check, build or reload one, start a new tariff",
    .usage = "usage: tollgate plugin list [--data DIR] [--json]\n"
             "       tollgate plugin check FILE [--json]\n"
             "       tollgate plugin build FILE.c [-o FILE.o] [--json]\n"
             "       tollgate plugin new [--bpf] NAME\n"
             "\n"
             "list   what is linked in\n"
             "check  a shared object: load it in a child process, look at its descriptor, try it; "
             "a BPF\n"
             "       object: have it verified and try it; accepted or why not; exit code 1 when "
             "refused\n"
             "build  compile a tariff in BPF with clang (or $CLANG), then check it\n"
             "new    write a folder NAME with a tariff's source, its test, CMakeLists.txt, README "
             "and a\n"
             "       small catalog, to be built outside this tree against the installed headers\n"
             "       (include/tollgate); --bpf: a program that the catalog brings itself\n"
             "reload have the running engine (data) take the tariff's file again while rows flow: "
             "it is\n"
             "       tried in a child first, a refusal changes nothing; also ends its quarantine\n",
    .run = plugin_run,
};
