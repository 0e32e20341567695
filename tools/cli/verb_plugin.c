/* SPDX-License-Identifier: Apache-2.0 */
/* plugin: what is linked in, whether a shared object would be accepted, and a folder to start from.
 */
#include "cli/cli.h"

#include "cli/plugin_template.h"
#include "doc/json.h"
#include "plug/registry.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

extern const struct tg_verb tg_verb_plugin;

static const char *kind_name(uint32_t kind)
{
    switch (kind) {
    case TG_PLUGIN_DECODER:
        return "decoder";
    case TG_PLUGIN_TARIFF:
        return "tariff";
    case TG_PLUGIN_FRONT:
        return "front";
    default:
        return "unknown";
    }
}

static int plugin_list(bool is_json)
{
    struct tg_json *list = tg_json_list();
    for (uint32_t i = 0; i < tg_plug_count(); i++) {
        const struct tg_plug *plug = tg_plug_at(i);
        if (!is_json) {
            (void)printf("%-8s %-16s %-8s %s\n", kind_name(plug->plugin->kind), plug->name,
                         plug->plugin->version, plug->plugin->summary);
            continue;
        }
        struct tg_json *entry = tg_json_object();
        tg_json_set_string(entry, "kind", kind_name(plug->plugin->kind));
        tg_json_set_string(entry, "name", plug->name);
        tg_json_set_string(entry, "version", plug->plugin->version);
        tg_json_set_string(entry, "summary", plug->plugin->summary);
        tg_json_set_string(entry, "origin", plug->origin == TG_PLUG_BUILTIN ? "builtin" : "native");
        tg_json_append(list, entry);
    }
    if (is_json) {
        (void)tg_json_print(list, false, stdout);
        (void)fputc('\n', stdout);
    }
    tg_json_free(list);
    return TG_EXIT_OK;
}

static int plugin_check(const char *path, bool is_json)
{
    char name[TG_PLUG_NAME_BYTES_MAX];
    struct tg_why why = {{0}};
    const enum tg_err err = tg_plug_check(path, name, &why);
    if (is_json) {
        struct tg_json *json = tg_json_object();
        tg_json_set_string(json, "file", path);
        tg_json_set_string(json, "name", name[0] != '\0' ? name : NULL);
        tg_json_set_bool(json, "accepted", err == TG_OK);
        tg_json_set_string(json, "reason", tg_err_name(err));
        tg_json_set_string(json, "detail", err == TG_OK ? NULL : why.text);
        (void)tg_json_print(json, false, stdout);
        (void)fputc('\n', stdout);
        tg_json_free(json);
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

static int plugin_new(const char *name)
{
    if (!tg_plug_name_is_valid(name) || (name[0] >= '0' && name[0] <= '9')) {
        return tg_cli_usage(&tg_verb_plugin,
                            "'%s': a name is a letter or _, then [a-z0-9_], "
                            "31 in all",
                            name);
    }
    if (mkdir(name, 0755) != 0) {
        return tg_cli_problem(&tg_verb_plugin, "%s: %s", name, strerror(errno));
    }
    char source[TG_PLUG_NAME_BYTES_MAX + 16];
    char test[TG_PLUG_NAME_BYTES_MAX + 16];
    (void)snprintf(source, sizeof source, "%s.c", name);
    (void)snprintf(test, sizeof test, "%s_test.c", name);
    const struct {
        const char *file;
        const char *text;
    } files[] = {{source, tg_plugin_template_source},
                 {test, tg_plugin_template_test},
                 {"CMakeLists.txt", tg_plugin_template_cmake},
                 {"README.md", tg_plugin_template_readme}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const int failure = template_write(name, files[i].file, files[i].text, name);
        if (failure != 0) {
            return tg_cli_problem(&tg_verb_plugin, "%s/%s: %s", name, files[i].file,
                                  strerror(failure));
        }
    }
    (void)printf("%s/ is ready: %s, %s, CMakeLists.txt, README.md\n"
                 "  cmake -S %s -B %s/build -DTOLLGATE_PREFIX=/usr/local\n"
                 "  cmake --build %s/build && ctest --test-dir %s/build\n"
                 "  tollgate plugin check %s/build/%s.so\n",
                 name, source, test, name, name, name, name, name, name);
    return TG_EXIT_OK;
}

static int plugin_run(int argc, char **argv)
{
    bool is_json = false;
    const char *words[2] = {NULL, NULL};
    int words_count = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            is_json = true;
        } else if (argv[i][0] == '-') {
            return tg_cli_usage(&tg_verb_plugin, "unknown option %s", argv[i]);
        } else if (words_count == 2) {
            return tg_cli_usage(&tg_verb_plugin, "too many arguments");
        } else {
            words[words_count++] = argv[i];
        }
    }
    if (words[0] != NULL && strcmp(words[0], "list") == 0 && words[1] == NULL) {
        return plugin_list(is_json);
    }
    if (words[1] != NULL && strcmp(words[0], "check") == 0) {
        return plugin_check(words[1], is_json);
    }
    if (words[1] != NULL && strcmp(words[0], "new") == 0) {
        return plugin_new(words[1]);
    }
    return tg_cli_usage(&tg_verb_plugin, "say list, check FILE.so or new NAME");
}

const struct tg_verb tg_verb_plugin = {
    .name = "plugin",
    .summary = "list plug-ins, check a shared object, start a new tariff",
    .usage =
        "usage: tollgate plugin list [--json]\n"
        "       tollgate plugin check FILE.so [--json]\n"
        "       tollgate plugin new NAME\n"
        "\n"
        "list   what is linked in\n"
        "check  load FILE.so in a child process, look at its descriptor, try it: accepted or why\n"
        "       not; exit code 1 when refused\n"
        "new    write a folder NAME with a tariff's source, its test, CMakeLists.txt and README,\n"
        "       to be built outside this tree against the installed headers (include/tollgate)\n",
    .run = plugin_run,
};
