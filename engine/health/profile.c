/* SPDX-License-Identifier: Apache-2.0 */
#include "health/profile.h"

#include <assert.h>
#include <string.h>

#include "abi/key.h"
#include "base/arena.h"

#define PATTERN_NONE   UINT16_MAX
#define STATES_MAX     (TG_PROFILE_TEXT_BYTES_MAX + 1)
#define BITS_WORDS     (TG_PROFILE_PATTERNS_MAX / 64)
#define HASHED_BYTES   128u
#define PART_BYTES_MAX 200u

/* A rule with its texts replaced by pattern numbers and hashes. */
struct compiled_rule {
    uint64_t app_key;
    uint64_t msgid_key;
    uint16_t contains[TG_PROFILE_CONTAINS_MAX];
    uint16_t lacks;
    uint16_t after[TG_PROFILE_AFTER_MAX];
    uint8_t severity_min;
    uint8_t severity_max;
    bool has_app;
    bool has_msgid;
};

/*
 * All substrings of all rules in one automaton (Aho-Corasick 1975), so the body is read once
 * however many rules there are. A table of next states by byte class: patterns use few different
 * bytes.
 */
struct tg_profile {
    const struct tg_rule_spec *specs;
    struct compiled_rule *rules;
    uint16_t *next;        /* [states_count * classes_count] */
    uint16_t *output;      /* pattern that ends in the state, or PATTERN_NONE */
    uint16_t *output_link; /* next state on the suffix chain with an output; 0 none */
    size_t size_bytes;
    uint32_t rules_count;
    uint32_t states_count;
    uint32_t classes_count;
    bool has_app;
    bool has_msgid;
    uint8_t class_of[256];
    uint16_t pattern_bytes[TG_PROFILE_PATTERNS_MAX];
};

/* What one pass over the body found. */
struct found {
    uint64_t bits[BITS_WORDS];
    uint32_t ends[TG_PROFILE_PATTERNS_MAX]; /* valid where the bit is set: end of first find */
};

static uint8_t lower(char c)
{
    return (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

static uint64_t key_lower(const char *text, size_t text_bytes)
{
    char copy[HASHED_BYTES];
    const size_t used = text_bytes < HASHED_BYTES ? text_bytes : HASHED_BYTES;
    for (size_t i = 0; i < used; i++) {
        copy[i] = (char)lower(text[i]);
    }
    return tg_key_name(copy, used);
}

static bool found_has(const struct found *found, uint16_t pattern)
{
    return (found->bits[pattern / 64] >> (pattern % 64) & 1) != 0;
}

/* Patterns of one profile while it is compiled. */
struct pattern_list {
    const char *texts[TG_PROFILE_PATTERNS_MAX];
    uint32_t count;
    uint32_t text_bytes;
};

static bool text_same(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

static enum tg_err pattern_add(struct pattern_list *list, const char *text, uint16_t *number)
{
    *number = PATTERN_NONE;
    if (text == NULL) {
        return TG_OK;
    }
    const size_t text_bytes = strlen(text);
    if (text_bytes == 0) {
        return TG_E_INVALID;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (text_same(list->texts[i], text)) {
            *number = (uint16_t)i;
            return TG_OK;
        }
    }
    if (list->count == TG_PROFILE_PATTERNS_MAX ||
        list->text_bytes + text_bytes > TG_PROFILE_TEXT_BYTES_MAX) {
        return TG_E_FULL;
    }
    list->text_bytes += (uint32_t)text_bytes;
    *number = (uint16_t)list->count;
    list->texts[list->count++] = text;
    return TG_OK;
}

static enum tg_err rule_patterns(const struct tg_rule_spec *spec, struct pattern_list *list,
                                 struct compiled_rule *rule)
{
    enum tg_err err = pattern_add(list, spec->lacks, &rule->lacks);
    for (uint32_t i = 0; i < TG_PROFILE_CONTAINS_MAX && err == TG_OK; i++) {
        err = pattern_add(list, spec->contains[i], &rule->contains[i]);
    }
    for (uint32_t i = 0; i < TG_PROFILE_AFTER_MAX && err == TG_OK; i++) {
        err = pattern_add(list, spec->qualifier_after[i], &rule->after[i]);
    }
    return err;
}

static bool rule_is_sound(const struct tg_rule_spec *spec)
{
    const bool has_kind = spec->kind != NULL && spec->kind->name != NULL;
    const bool state_is_known = spec->state <= TG_NODE_DOWN || spec->state == TG_STATE_NONE;
    return spec->severity_min <= spec->severity_max && spec->severity_max <= 7 &&
           spec->action <= TG_ALARM_CLEAR && (spec->action == TG_ALARM_NOTHING || has_kind) &&
           state_is_known;
}

static enum tg_err rules_compile(struct tg_profile *profile, struct pattern_list *list,
                                 struct tg_why *why)
{
    for (uint32_t i = 0; i < profile->rules_count; i++) {
        const struct tg_rule_spec *spec = &profile->specs[i];
        struct compiled_rule *rule = &profile->rules[i];
        const char *name = spec->name == NULL ? "(no name)" : spec->name;
        if (!rule_is_sound(spec)) {
            return tg_why_set(why, TG_E_INVALID,
                              "rule %u %.60s: severities 0..7 in order, an action with its alarm "
                              "kind, a state",
                              i + 1, name);
        }
        const enum tg_err err = rule_patterns(spec, list, rule);
        if (err != TG_OK) {
            return tg_why_set(why, err,
                              "rule %u %.60s: an empty text, or more than %u texts or %u "
                              "bytes in the profile",
                              i + 1, name, TG_PROFILE_PATTERNS_MAX, TG_PROFILE_TEXT_BYTES_MAX);
        }
        rule->severity_min = spec->severity_min;
        rule->severity_max = spec->severity_max;
        rule->has_app = spec->app != NULL;
        rule->has_msgid = spec->msgid != NULL;
        rule->app_key = rule->has_app ? key_lower(spec->app, strlen(spec->app)) : 0;
        rule->msgid_key = rule->has_msgid ? key_lower(spec->msgid, strlen(spec->msgid)) : 0;
        profile->has_app |= rule->has_app;
        profile->has_msgid |= rule->has_msgid;
    }
    return TG_OK;
}

/* Bytes of no pattern share class 0; capitals share the class of their small letter. */
static void classes_build(struct tg_profile *profile, const struct pattern_list *list)
{
    profile->classes_count = 1;
    for (uint32_t p = 0; p < list->count; p++) {
        for (const char *at = list->texts[p]; *at != '\0'; at++) {
            const uint8_t byte = lower(*at);
            if (profile->class_of[byte] == 0) {
                profile->class_of[byte] = (uint8_t)profile->classes_count++;
            }
        }
    }
    for (uint32_t c = 'A'; c <= 'Z'; c++) {
        profile->class_of[c] = profile->class_of[c + 32];
    }
}

static void trie_add(struct tg_profile *profile, const char *text, uint16_t number)
{
    uint32_t state = 0;
    for (const char *at = text; *at != '\0'; at++) {
        uint16_t *next =
            &profile->next[state * profile->classes_count + profile->class_of[lower(*at)]];
        if (*next == 0) {
            *next = (uint16_t)profile->states_count;
            profile->output[profile->states_count] = PATTERN_NONE;
            profile->states_count++;
        }
        state = *next;
    }
    assert(profile->output[state] == PATTERN_NONE);
    profile->output[state] = number;
    profile->pattern_bytes[number] = (uint16_t)strlen(text);
}

/* Breadth first: fill missing edges from the longest proper suffix that is in the trie. */
static void automaton_build(struct tg_profile *profile, uint16_t *queue, uint16_t *suffix)
{
    uint32_t tail = 0;
    for (uint32_t c = 0; c < profile->classes_count; c++) {
        const uint16_t state = profile->next[c];
        if (state != 0) {
            suffix[state] = 0;
            queue[tail++] = state;
        }
    }
    for (uint32_t head = 0; head < tail; head++) {
        const uint16_t state = queue[head];
        const uint16_t fall = suffix[state];
        profile->output_link[state] =
            profile->output[fall] != PATTERN_NONE ? fall : profile->output_link[fall];
        for (uint32_t c = 0; c < profile->classes_count; c++) {
            uint16_t *next = &profile->next[state * profile->classes_count + c];
            const uint16_t fallback = profile->next[fall * profile->classes_count + c];
            if (*next == 0) {
                *next = fallback;
            } else {
                suffix[*next] = fallback;
                queue[tail++] = *next;
            }
        }
    }
}

static size_t round8(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

enum tg_err tg_profile_open(const struct tg_rule_spec *rules, uint32_t rules_count,
                            struct tg_profile **profile, struct tg_why *why)
{
    *profile = NULL;
    if (rules_count == 0 || rules_count > TG_PROFILE_RULES_MAX) {
        return tg_why_set(why, TG_E_FULL, "%u rules; 1 to %u are possible", rules_count,
                          TG_PROFILE_RULES_MAX);
    }
    struct tg_profile draft = {.specs = rules, .rules_count = rules_count, .states_count = 1};
    struct compiled_rule compiled[TG_PROFILE_RULES_MAX];
    struct pattern_list list = {.count = 0};
    memset(compiled, 0, sizeof compiled);
    draft.rules = compiled;
    const enum tg_err err = rules_compile(&draft, &list, why);
    if (err != TG_OK) {
        return err;
    }
    classes_build(&draft, &list);
    const size_t states = list.text_bytes + 1;
    const size_t rules_at = round8(sizeof draft);
    const size_t next_at = rules_at + round8(rules_count * sizeof compiled[0]);
    const size_t output_at = next_at + round8(states * draft.classes_count * sizeof(uint16_t));
    const size_t link_at = output_at + round8(states * sizeof(uint16_t));
    draft.size_bytes = link_at + round8(states * sizeof(uint16_t));
    uint8_t *block = tg_pages_take(draft.size_bytes);
    if (block == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a profile of %u rules", rules_count);
    }
    draft.rules = (struct compiled_rule *)(void *)(block + rules_at);
    draft.next = (uint16_t *)(void *)(block + next_at);
    draft.output = (uint16_t *)(void *)(block + output_at);
    draft.output_link = (uint16_t *)(void *)(block + link_at);
    memcpy(draft.rules, compiled, rules_count * sizeof compiled[0]);
    draft.output[0] = PATTERN_NONE;
    for (uint32_t p = 0; p < list.count; p++) {
        trie_add(&draft, list.texts[p], (uint16_t)p);
    }
    uint16_t queue[STATES_MAX];
    uint16_t suffix[STATES_MAX];
    assert(draft.states_count <= STATES_MAX);
    automaton_build(&draft, queue, suffix);
    *profile = (struct tg_profile *)(void *)block;
    **profile = draft;
    return TG_OK;
}

void tg_profile_close(struct tg_profile *profile)
{
    if (profile != NULL) {
        tg_pages_free(profile, profile->size_bytes);
    }
}

void tg_log_text_split(const struct tg_observation *observation, const uint8_t *text,
                       uint32_t text_bytes, struct tg_log_text *out)
{
    memset(out, 0, sizeof *out);
    out->host = out->app = out->msgid = out->body = "";
    if (text == NULL || observation->text_offset > text_bytes ||
        observation->text_bytes > text_bytes - observation->text_offset) {
        return;
    }
    const char *at = (const char *)text + observation->text_offset;
    size_t left = observation->text_bytes;
    const char *starts[4];
    uint32_t lengths[4];
    for (uint32_t i = 0; i < 4; i++) {
        const char *nul = left == 0 ? NULL : memchr(at, '\0', left);
        if (nul == NULL) {
            return; /* four NUL-ended texts or nothing: never guess where one ends */
        }
        starts[i] = at;
        lengths[i] = (uint32_t)(nul - at);
        left -= lengths[i] + 1;
        at = nul + 1;
    }
    *out = (struct tg_log_text){starts[0],  starts[1],  starts[2],  starts[3],
                                lengths[0], lengths[1], lengths[2], lengths[3]};
}

static void body_scan(const struct tg_profile *profile, const char *body, uint32_t body_bytes,
                      struct found *found)
{
    const uint16_t *next = profile->next;
    const uint32_t classes_count = profile->classes_count;
    uint32_t state = 0;
    for (uint32_t i = 0; i < body_bytes; i++) {
        state = next[state * classes_count + profile->class_of[(uint8_t)body[i]]];
        uint32_t hit = profile->output[state] != PATTERN_NONE ? state : profile->output_link[state];
        for (; hit != 0; hit = profile->output_link[hit]) {
            const uint16_t pattern = profile->output[hit];
            if (!found_has(found, pattern)) {
                found->bits[pattern / 64] |= UINT64_C(1) << (pattern % 64);
                found->ends[pattern] = i + 1;
            }
        }
    }
}

static bool rule_matches(const struct compiled_rule *rule, const struct found *found,
                         uint8_t severity)
{
    if (severity < rule->severity_min || severity > rule->severity_max) {
        return false;
    }
    for (uint32_t i = 0; i < TG_PROFILE_CONTAINS_MAX; i++) {
        if (rule->contains[i] != PATTERN_NONE && !found_has(found, rule->contains[i])) {
            return false;
        }
    }
    return rule->lacks == PATTERN_NONE || !found_has(found, rule->lacks);
}

static bool is_word_byte(char c)
{
    return (unsigned char)c > ' ' && strchr(",;()\"'[]{}<>=", c) == NULL;
}

/* The word after a marker: "Interface ge-0/0/1, changed" -> "ge-0/0/1". */
static void part_take(const struct tg_log_text *text, uint32_t at, struct tg_meaning *meaning)
{
    while (at < text->body_bytes && !is_word_byte(text->body[at])) {
        at++;
    }
    uint32_t end = at;
    while (end < text->body_bytes && end - at < PART_BYTES_MAX && is_word_byte(text->body[end])) {
        end++;
    }
    while (end > at && (text->body[end - 1] == ':' || text->body[end - 1] == '.')) {
        end--;
    }
    if (end > at) {
        meaning->part = text->body + at;
        meaning->part_bytes = end - at;
        meaning->qualifier = tg_key_name(meaning->part, meaning->part_bytes);
    }
}

void tg_profile_match(const struct tg_profile *profile, const struct tg_observation *observation,
                      const struct tg_log_text *text, struct tg_meaning *meaning)
{
    struct found found;
    memset(found.bits, 0, sizeof found.bits);
    *meaning = (struct tg_meaning){.qualifier = observation->qualifier};
    body_scan(profile, text->body, text->body_bytes, &found);
    const uint64_t app_key = profile->has_app ? key_lower(text->app, text->app_bytes) : 0;
    const uint64_t msgid_key = profile->has_msgid ? key_lower(text->msgid, text->msgid_bytes) : 0;
    for (uint32_t i = 0; i < profile->rules_count; i++) {
        const struct compiled_rule *rule = &profile->rules[i];
        const uint64_t wanted = profile->specs[i].qualifier;
        if (!rule_matches(rule, &found, observation->severity) ||
            (rule->has_app && rule->app_key != app_key) ||
            (rule->has_msgid && rule->msgid_key != msgid_key) ||
            (wanted != 0 && wanted != observation->qualifier)) {
            continue;
        }
        meaning->rule = &profile->specs[i];
        for (uint32_t a = 0; a < TG_PROFILE_AFTER_MAX; a++) {
            if (rule->after[a] != PATTERN_NONE && found_has(&found, rule->after[a])) {
                part_take(text, found.ends[rule->after[a]], meaning);
                break;
            }
        }
        return;
    }
}

const char *tg_alarm_type_name(unsigned type)
{
    switch (type) {
    case TG_ALARM_COMMUNICATIONS:
        return "communicationsAlarm";
    case TG_ALARM_ENVIRONMENTAL:
        return "environmentalAlarm";
    case TG_ALARM_EQUIPMENT:
        return "equipmentAlarm";
    case TG_ALARM_PROCESSING:
        return "processingErrorAlarm";
    case TG_ALARM_QUALITY:
        return "qualityOfServiceAlarm";
    default:
        return "unknown";
    }
}

const char *tg_alarm_severity_name(unsigned severity)
{
    static const char *const names[] = {"unknown", "cleared", "indeterminate", "warning",
                                        "minor",   "major",   "critical"};
    return severity < sizeof names / sizeof names[0] ? names[severity] : names[0];
}
