/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plugin_bpf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_BYTES 4096

bool tg_plugin_is_bpf(const char *path)
{
    /* ELF, 64 bits; e_machine, 2 octets at 18, is 247. */
    uint8_t head[20] = {0};
    FILE *from = fopen(path, "rbe");
    const bool is_whole = from != NULL && fread(head, 1, sizeof head, from) == sizeof head;
    if (from != NULL) {
        (void)fclose(from);
    }
    return is_whole && memcmp(head, "\177ELF\2", 5) == 0 && head[18] == 247 && head[19] == 0;
}

enum tg_err tg_plugin_bpf_check(const char *path, struct tg_bpf_code **code, struct tg_why *why)
{
    *code = NULL;
    FILE *from = fopen(path, "rbe");
    if (from == NULL) {
        return tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: %s", path, strerror(errno));
    }
    uint8_t *bytes = malloc(TG_BPF_OBJECT_BYTES_MAX + 1);
    struct tg_bpf_code *made = calloc(1, sizeof *made);
    const size_t size_bytes =
        bytes != NULL ? fread(bytes, 1, TG_BPF_OBJECT_BYTES_MAX + 1, from) : 0;
    (void)fclose(from);
    enum tg_err err = TG_OK;
    if (bytes == NULL || made == NULL) {
        err = tg_why_set(why, TG_E_NO_MEMORY, "no memory for %s", path);
    } else if (size_bytes > TG_BPF_OBJECT_BYTES_MAX) {
        err = tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: larger than %u octets", path,
                         TG_BPF_OBJECT_BYTES_MAX);
    } else {
        err = tg_bpf_check(path, bytes, size_bytes, made, why);
    }
    free(bytes);
    if (err != TG_OK) {
        free(made);
        made = NULL;
    }
    *code = made;
    return err;
}

/* Installed, the headers are ../include/tollgate from the binary; in a build tree, the source's. */
static bool include_find(char path[PATH_BYTES])
{
    char self[PATH_BYTES];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = '\0';
        for (int up = 0; up < 2; up++) {
            char *slash = strrchr(self, '/');
            if (slash != NULL) {
                *slash = '\0';
            }
        }
        (void)snprintf(path, PATH_BYTES, "%.4000s/include/tollgate/abi/tariff_bpf.h", self);
        if (access(path, R_OK) == 0) {
            path[strlen(path) - strlen("/abi/tariff_bpf.h")] = '\0';
            return true;
        }
    }
    (void)snprintf(path, PATH_BYTES, "%s", TG_SOURCE_DIR "/engine");
    return access(TG_SOURCE_DIR "/engine/abi/tariff_bpf.h", R_OK) == 0;
}

enum tg_err tg_plugin_bpf_build(const char *source, const char *object, struct tg_why *why)
{
    char include[PATH_BYTES];
    const char *named = getenv("CLANG");
    const char *clang = named != NULL && named[0] != '\0' ? named : "clang";
    if (!include_find(include)) {
        return tg_why_set(why, TG_E_NOT_FOUND,
                          "abi/tariff_bpf.h is not where `cmake --install` puts it, in "
                          "include/tollgate beside bin");
    }
    const pid_t child = fork();
    if (child == 0) {
        (void)execlp(clang, clang, "-O2", "-g", "-target", "bpf", "-mcpu=v2", "-ffreestanding",
                     "-Wall", "-Wextra", "-I", include, "-c", source, "-o", object, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return tg_why_set(why, TG_E_NOT_FOUND, "%s cannot be started: %s", clang, strerror(errno));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        return tg_why_set(why, TG_E_NOT_FOUND,
                          "%s is not there: install clang, or name one in $CLANG", clang);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? TG_OK
               : tg_why_set(why, TG_E_SYNTAX, "%s: clang refused it", source);
}
