/* SPDX-License-Identifier: Apache-2.0 */
/* One BPF instruction as text, so that a refusal shows what it is about. */
#include "plug/bpf.h"

#include <bpf_def.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const operators[16] = {"+=",  "-=", "*=", "/=", "|=",   "&=",     "<<=", ">>=",
                                          "neg", "%=", "^=", "=",  "s>>=", "endian", "?",   "?"};
static const char *const comparisons[16] = {"goto", "==",   ">", ">=", "&",  "!=",  "s>", "s>=",
                                            "call", "exit", "<", "<=", "s<", "s<=", "?",  "?"};
static const char *const sizes[4] = {"u32", "u16", "u8", "u64"};

static void operation_text(const struct ebpf_insn *insn, bool is_wide, char *text, size_t room)
{
    const unsigned op = insn->code >> 4;
    const char kind = is_wide ? 'r' : 'w';
    if (op == BPF_NEG >> 4) {
        (void)snprintf(text, room, "%c%u = -%c%u", kind, insn->dst_reg, kind, insn->dst_reg);
    } else if (op == EBPF_END >> 4) {
        (void)snprintf(text, room, "r%u = %s%d r%u", insn->dst_reg,
                       (insn->code & BPF_X) != 0 ? "be" : "le", (int)insn->imm, insn->dst_reg);
    } else if ((insn->code & BPF_X) != 0) {
        (void)snprintf(text, room, "%c%u %s %c%u", kind, insn->dst_reg, operators[op], kind,
                       insn->src_reg);
    } else {
        (void)snprintf(text, room, "%c%u %s %d", kind, insn->dst_reg, operators[op],
                       (int)insn->imm);
    }
}

static void jump_text(const struct ebpf_insn *insn, bool is_wide, char *text, size_t room)
{
    const unsigned op = insn->code >> 4;
    const char kind = is_wide ? 'r' : 'w';
    if (op == EBPF_EXIT >> 4) {
        (void)snprintf(text, room, "exit");
    } else if (op == EBPF_CALL >> 4) {
        const char *name = insn->src_reg == 0 ? tg_bpf_helper_name((uint32_t)insn->imm) : NULL;
        if (name != NULL) {
            (void)snprintf(text, room, "call %s", name);
        } else {
            (void)snprintf(text, room, "call %d", (int)insn->imm);
        }
    } else if (op == BPF_JA >> 4) {
        (void)snprintf(text, room, "goto %+d", insn->off);
    } else if ((insn->code & BPF_X) != 0) {
        (void)snprintf(text, room, "if %c%u %s %c%u goto %+d", kind, insn->dst_reg, comparisons[op],
                       kind, insn->src_reg, insn->off);
    } else {
        (void)snprintf(text, room, "if %c%u %s %d goto %+d", kind, insn->dst_reg, comparisons[op],
                       (int)insn->imm, insn->off);
    }
}

void tg_bpf_insn_text(const uint64_t *insns, uint32_t insns_count, uint32_t index, char *text,
                      size_t text_bytes)
{
    struct ebpf_insn insn;
    memcpy(&insn, &insns[index], sizeof insn);
    const char *size = sizes[(insn.code >> 3) & 3];
    switch (BPF_CLASS(insn.code)) {
    case BPF_LD: {
        uint64_t high = index + 1 < insns_count ? insns[index + 1] >> 32 : 0;
        (void)snprintf(text, text_bytes, "r%u = %" PRId64 " ll", insn.dst_reg,
                       (int64_t)(high << 32 | (uint32_t)insn.imm));
        break;
    }
    case BPF_LDX:
        (void)snprintf(text, text_bytes, "r%u = *(%s *)(r%u %+d)", insn.dst_reg, size, insn.src_reg,
                       insn.off);
        break;
    case BPF_ST:
        (void)snprintf(text, text_bytes, "*(%s *)(r%u %+d) = %d", size, insn.dst_reg, insn.off,
                       (int)insn.imm);
        break;
    case BPF_STX:
        (void)snprintf(text, text_bytes, "*(%s *)(r%u %+d) = r%u", size, insn.dst_reg, insn.off,
                       insn.src_reg);
        break;
    case BPF_ALU:
    case EBPF_ALU64:
        operation_text(&insn, BPF_CLASS(insn.code) == EBPF_ALU64, text, text_bytes);
        break;
    default: /* 5 a jump, 6 one that compares 32 bits */
        jump_text(&insn, BPF_CLASS(insn.code) == BPF_JMP, text, text_bytes);
        break;
    }
}
