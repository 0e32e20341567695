/* SPDX-License-Identifier: Apache-2.0 */
/* An ELF object made by clang -target bpf, taken apart: the one program, its calls by number, and
 * the source lines for messages. Every offset of the file is hostile; libelf checks section bounds,
 * the rest is checked here. */
#include "plug/bpf.h"

#include "abi/key.h"

#include <bpf_def.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTION       "tariff"
#define CLASS_JUMP_32 0x06u
#define BTF_MAGIC     0xeb9fu
#define LINE_BYTES    16u

struct object {
    const char *path;
    const uint8_t *bytes; /* whole file */
    size_t size_bytes;
    Elf *elf;
    Elf_Data *text; /* the section "tariff" */
    size_t text_index;
    Elf_Data *symbols;
    size_t symbols_names; /* its string table */
    Elf_Data *fixes;      /* its relocations; NULL none */
    Elf_Data *btf;        /* types and strings; NULL without debug information */
    Elf_Data *lines;
};

static const char *section_name(const struct object *object, const GElf_Shdr *header)
{
    size_t names = 0;
    const char *name = elf_getshdrstrndx(object->elf, &names) == 0
                           ? elf_strptr(object->elf, names, header->sh_name)
                           : NULL;
    return name != NULL ? name : "";
}

/* Whole data only: one that is in pieces or compressed is nothing clang writes here. */
static Elf_Data *section_data(Elf_Scn *section)
{
    Elf_Data *data = elf_getdata(section, NULL);
    return data != NULL && data->d_buf != NULL ? data : NULL;
}

static void object_close(struct object *object)
{
    (void)elf_end(object->elf);
}

static enum tg_err object_open(const char *path, const void *bytes, size_t size_bytes,
                               struct object *object, struct tg_why *why)
{
    *object = (struct object){.path = path, .bytes = bytes, .size_bytes = size_bytes};
    GElf_Ehdr head;
    (void)elf_version(EV_CURRENT);
    /* libelf takes a char pointer for files it may rewrite; opened like this it reads only. */
    object->elf = elf_memory((char *)(uintptr_t)bytes, size_bytes);
    if (object->elf == NULL || elf_kind(object->elf) != ELF_K_ELF ||
        gelf_getehdr(object->elf, &head) == NULL || head.e_machine != EM_BPF ||
        head.e_ident[EI_DATA] != ELFDATA2LSB) {
        object_close(object);
        return tg_why_set(why, TG_E_PLUGIN_OPEN,
                          "%s: not a BPF object; compile with `tollgate plugin build`", path);
    }
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(object->elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL) {
            continue;
        }
        const char *name = section_name(object, &header);
        if (header.sh_type == SHT_PROGBITS && strcmp(name, SECTION) == 0) {
            object->text = section_data(section);
            object->text_index = elf_ndxscn(section);
        } else if (header.sh_type == SHT_SYMTAB) {
            object->symbols = section_data(section);
            object->symbols_names = header.sh_link;
        } else if (header.sh_type == SHT_REL && strcmp(name, ".rel" SECTION) == 0) {
            object->fixes = section_data(section);
        } else if (strcmp(name, ".BTF") == 0) {
            object->btf = section_data(section);
        } else if (strcmp(name, ".BTF.ext") == 0) {
            object->lines = section_data(section);
        }
    }
    if (object->text == NULL || object->text->d_size == 0 || object->symbols == NULL) {
        object_close(object);
        return tg_why_set(why, TG_E_PLUGIN_ENTRY,
                          "%s: no section \"" SECTION "\"; write TG_BPF_TARIFF before the function",
                          path);
    }
    return TG_OK;
}

static uint32_t u32_at(const Elf_Data *data, size_t offset)
{
    uint32_t value = 0;
    if (offset <= data->d_size && data->d_size - offset >= sizeof value) {
        memcpy(&value, (const uint8_t *)data->d_buf + offset, sizeof value);
    }
    return value;
}

/* String of the BTF section; "" when there is none. */
static const char *btf_text(const struct object *object, uint32_t at)
{
    const size_t from = (size_t)u32_at(object->btf, 4) + u32_at(object->btf, 16) + at;
    if (from >= object->btf->d_size) {
        return "";
    }
    const char *text = (const char *)object->btf->d_buf + from;
    return memchr(text, '\0', object->btf->d_size - from) != NULL ? text : "";
}

static void line_text(const struct object *object, size_t record, char *text, size_t text_bytes)
{
    const char *file = btf_text(object, u32_at(object->lines, record + 4));
    const char *slash = strrchr(file, '/');
    const char *line = btf_text(object, u32_at(object->lines, record + 8));
    while (*line == ' ' || *line == '\t') {
        line++;
    }
    const uint32_t place = u32_at(object->lines, record + 12);
    (void)snprintf(text, text_bytes, "%.40s:%u%s%.60s%s", slash != NULL ? slash + 1 : file,
                   place >> 10, line[0] != '\0' ? ": `" : "", line, line[0] != '\0' ? "`" : "");
}

/* The last line record at or before the instruction. Layout: header, then a size of records and, a
 * section each, name, count and records. */
static void object_line(const struct object *object, uint32_t index, char *text, size_t text_bytes)
{
    text[0] = '\0';
    if (object->btf == NULL || object->lines == NULL ||
        (u32_at(object->btf, 0) & 0xffffu) != BTF_MAGIC ||
        (u32_at(object->lines, 0) & 0xffffu) != BTF_MAGIC) {
        return;
    }
    size_t at = (size_t)u32_at(object->lines, 4) + u32_at(object->lines, 16);
    const size_t to = at + u32_at(object->lines, 20);
    const uint32_t record_bytes = u32_at(object->lines, at);
    size_t best = 0;
    if (record_bytes < LINE_BYTES || record_bytes > 1024 || to > object->lines->d_size) {
        return;
    }
    for (at += 4; at + 8 <= to;) {
        const char *section = btf_text(object, u32_at(object->lines, at));
        const uint32_t count = u32_at(object->lines, at + 4);
        at += 8;
        for (uint32_t i = 0; i < count && at + record_bytes <= to; i++, at += record_bytes) {
            if (strcmp(section, SECTION) == 0 && u32_at(object->lines, at) / 8 <= index) {
                best = at;
            }
        }
    }
    if (best != 0) {
        line_text(object, best, text, text_bytes);
    }
}

void tg_bpf_object_line(const void *bytes, size_t size_bytes, uint32_t index, char *text,
                        size_t text_bytes)
{
    struct object object;
    text[0] = '\0';
    if (object_open("", bytes, size_bytes, &object, NULL) == TG_OK) {
        object_line(&object, index, text, text_bytes);
        object_close(&object);
    }
}

/* "night.o: instruction 12 (night.c:17: `for (...)`): if r1 < r2 goto -5: " and the reason. */
static enum tg_err insn_refuse(const struct object *object, const struct tg_bpf_code *code,
                               uint32_t index, struct tg_why *why, const char *reason)
{
    char line[160];
    char text[80];
    object_line(object, index, line, sizeof line);
    tg_bpf_insn_text(code->insns, code->insns_count, index, text, sizeof text);
    return tg_why_set(why, TG_E_PLUGIN_ABI, "%s: instruction %u%s%s%s: %s: %s", object->path, index,
                      line[0] != '\0' ? " (" : "", line, line[0] != '\0' ? ")" : "", text, reason);
}

static struct ebpf_insn insn_get(const struct tg_bpf_code *code, uint32_t index)
{
    struct ebpf_insn insn;
    memcpy(&insn, &code->insns[index], sizeof insn);
    return insn;
}

static const char *symbol_name(const struct object *object, const GElf_Sym *symbol)
{
    const char *name = elf_strptr(object->elf, object->symbols_names, symbol->st_name);
    return name != NULL ? name : "";
}

/* What an address is of: a string constant has no name, but its section, ".rodata.str1.1". */
static const char *place_name(const struct object *object, const GElf_Sym *symbol)
{
    const char *name = symbol_name(object, symbol);
    GElf_Shdr header;
    Elf_Scn *section = name[0] == '\0' ? elf_getscn(object->elf, symbol->st_shndx) : NULL;
    return section != NULL && gelf_getshdr(section, &header) != NULL ? section_name(object, &header)
                                                                     : name;
}

/* One relocation: a call of a function we offer gets its number, all else is refused. */
static enum tg_err fix_apply(const struct object *object, const GElf_Rel *fix,
                             struct tg_bpf_code *code, bool *is_fixed, struct tg_why *why)
{
    GElf_Sym symbol;
    char reason[160];
    const uint64_t index = fix->r_offset / sizeof(uint64_t);
    if (fix->r_offset % sizeof(uint64_t) != 0 || index >= code->insns_count ||
        gelf_getsym(object->symbols, (int)GELF_R_SYM(fix->r_info), &symbol) == NULL) {
        return tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: a relocation points nowhere", object->path);
    }
    struct ebpf_insn insn = insn_get(code, (uint32_t)index);
    const char *name = symbol_name(object, &symbol);
    const uint32_t number = tg_bpf_helper(name);
    if (insn.code != (BPF_JMP | EBPF_CALL)) {
        (void)snprintf(reason, sizeof reason,
                       "needs the address of \"%.40s\": globals, tables and string constants are "
                       "not available; use context->params",
                       place_name(object, &symbol));
    } else if (symbol.st_shndx != SHN_UNDEF) {
        (void)snprintf(reason, sizeof reason,
                       "calls %.40s: functions cannot be called; make it static inline with "
                       "__attribute__((always_inline))",
                       name[0] != '\0' ? name : "a function of its own");
    } else if (number == UINT32_MAX) {
        (void)snprintf(reason, sizeof reason, "calls \"%.40s\": %s", name,
                       name[0] == '_' && name[1] == '_'
                           ? "128-bit arithmetic needs tg_add and tg_settle"
                           : "only tg_add and tg_settle can be called");
    } else {
        insn.src_reg = 0;
        insn.imm = (int32_t)number;
        memcpy(&code->insns[index], &insn, sizeof insn);
        is_fixed[index] = true;
        return TG_OK;
    }
    return insn_refuse(object, code, (uint32_t)index, why, reason);
}

/* What DPDK's verifier would refuse in fewer words, or by the wrong name. */
static const char *insn_fault(const struct ebpf_insn *insn, bool is_fixed)
{
    const unsigned class = BPF_CLASS(insn->code);
    if (class == CLASS_JUMP_32) {
        return "compares 32 bits, which needs a newer BPF: compile with -mcpu=v2";
    }
    if (insn->code == (BPF_JMP | EBPF_CALL) && !is_fixed) {
        return insn->src_reg != 0
                   ? "functions cannot be called; make it static inline with "
                     "__attribute__((always_inline))"
                   : "calls by number: only tg_add and tg_settle can be called, by name";
    }
    if (class == BPF_JMP && BPF_OP(insn->code) != EBPF_CALL && BPF_OP(insn->code) != EBPF_EXIT &&
        insn->off < 0) {
        return "jumps back: a loop, and a program must end after a known number of steps; put "
               "`#pragma unroll` before it and give it a constant bound";
    }
    return NULL;
}

static enum tg_err insns_check(const struct object *object, struct tg_bpf_code *code,
                               struct tg_why *why)
{
    static bool is_fixed[TG_BPF_INSNS_MAX]; /* control thread only, as all of this file */
    memset(is_fixed, 0, sizeof is_fixed);
    const size_t fixes_count =
        object->fixes != NULL ? object->fixes->d_size / sizeof(Elf64_Rel) : 0;
    for (size_t i = 0; i < fixes_count; i++) {
        GElf_Rel fix;
        if (gelf_getrel(object->fixes, (int)i, &fix) == NULL) {
            return tg_why_set(why, TG_E_PLUGIN_OPEN, "%s: its relocations cannot be read",
                              object->path);
        }
        const enum tg_err err = fix_apply(object, &fix, code, is_fixed, why);
        if (err != TG_OK) {
            return err;
        }
    }
    for (uint32_t i = 0; i < code->insns_count; i++) {
        const struct ebpf_insn insn = insn_get(code, i);
        const char *fault = insn_fault(&insn, is_fixed[i]);
        if (fault != NULL) {
            return insn_refuse(object, code, i, why, fault);
        }
        i += insn.code == (BPF_LD | BPF_IMM | EBPF_DW) ? 1 : 0; /* its second half is a number */
    }
    return TG_OK;
}

/* One function, at the section's beginning: what is behind another could not be reached. */
static enum tg_err entry_check(const struct object *object, struct tg_why *why)
{
    const size_t count = object->symbols->d_size / sizeof(Elf64_Sym);
    uint32_t functions_count = 0;
    const char *second = "";
    for (size_t i = 0; i < count; i++) {
        GElf_Sym symbol;
        if (gelf_getsym(object->symbols, (int)i, &symbol) != NULL &&
            symbol.st_shndx == object->text_index && GELF_ST_TYPE(symbol.st_info) == STT_FUNC) {
            functions_count++;
            second = symbol.st_value != 0 ? symbol_name(object, &symbol) : second;
        }
    }
    if (functions_count != 1) {
        return tg_why_set(why, TG_E_PLUGIN_ENTRY,
                          "%s: %u functions in section \"" SECTION "\" (\"%.40s\"), not one; make "
                          "others static inline without TG_BPF_TARIFF",
                          object->path, functions_count, second);
    }
    return TG_OK;
}

enum tg_err tg_bpf_object_read(const char *path, const void *bytes, size_t size_bytes,
                               struct tg_bpf_code *code, struct tg_why *why)
{
    struct object object;
    enum tg_err err = object_open(path, bytes, size_bytes, &object, why);
    if (err != TG_OK) {
        return err;
    }
    err = entry_check(&object, why);
    if (err == TG_OK && (object.text->d_size % sizeof(uint64_t) != 0 ||
                         object.text->d_size / sizeof(uint64_t) > TG_BPF_INSNS_MAX)) {
        char line[160];
        object_line(&object, TG_BPF_INSNS_MAX, line, sizeof line);
        err = tg_why_set(why, TG_E_PLUGIN_ABI,
                         "%s: instruction %u%s%s%s: one too many, the program has %zu", path,
                         TG_BPF_INSNS_MAX, line[0] != '\0' ? " (" : "", line,
                         line[0] != '\0' ? ")" : "", object.text->d_size / sizeof(uint64_t));
    }
    if (err == TG_OK) {
        *code =
            (struct tg_bpf_code){.insns_count = (uint32_t)(object.text->d_size / sizeof(uint64_t))};
        memcpy(code->insns, object.text->d_buf, object.text->d_size);
        err = insns_check(&object, code, why);
        code->hash = tg_key_hash(0, code->insns, code->insns_count * sizeof(uint64_t));
    }
    object_close(&object);
    return err;
}
