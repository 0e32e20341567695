/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Syslog message reader; syslog_read.h is the manual.
 *
 *  What follows the PRI decides (RFC 5424 is the only one with a bare number and a space there):
 *
 *      <PRI> 1*DIGIT SP      -> RFC 5424: strict, a fault refuses the message
 *      <PRI> Mmm dd hh:mm:ss -> RFC 3164: time, then host and tag as far as they are there
 *      <PRI> RFC 3339 time   -> the same with a full time, as rsyslog and others write it
 *      <PRI> anything else   -> RFC 3164 4.3.2: all of it is content, the time is the arrival's
 */
#include "syslog_read.h"

#include "abi/key.h"
#include "lib/civil.h"

#include <string.h>

/* A reading position that remembers which field it is in, for the refusal. */
struct reader {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    const char *field;
};

static const struct {
    const char *name;
    uint32_t octets_max;
} header_fields[] = {
#define TG_SYSLOG_HEADER(ident, name_, octets_max_) {name_, octets_max_},
#define TG_SYSLOG_QUALIFIER(name_)
#include "syslog_fields.def"
#undef TG_SYSLOG_HEADER
#undef TG_SYSLOG_QUALIFIER
};

enum header_index {
#define TG_SYSLOG_HEADER(ident, name_, octets_max_) HEADER_##ident,
#define TG_SYSLOG_QUALIFIER(name_)
#include "syslog_fields.def"
#undef TG_SYSLOG_HEADER
#undef TG_SYSLOG_QUALIFIER
    HEADER_COUNT
};

static const char *const qualifiers[] = {
#define TG_SYSLOG_HEADER(ident, name_, octets_max_)
#define TG_SYSLOG_QUALIFIER(name_) name_,
#include "syslog_fields.def"
#undef TG_SYSLOG_HEADER
#undef TG_SYSLOG_QUALIFIER
};

static enum tg_err read_pri(struct reader *r, struct tg_syslog_message *message);
static bool is_rfc5424(const struct reader *r);
static enum tg_err read_5424(struct reader *r, int64_t arrival_ns,
                             const struct tg_syslog_rules *rules,
                             struct tg_syslog_message *message);
static enum tg_err read_3164(struct reader *r, int64_t arrival_ns,
                             const struct tg_syslog_rules *rules,
                             struct tg_syslog_message *message);
static enum tg_err read_version(struct reader *r, const struct tg_syslog_rules *rules);
static enum tg_err read_word(struct reader *r, uint32_t octets_max, struct tg_syslog_span *word);
static enum tg_err read_data(struct reader *r, struct tg_syslog_message *message);
static enum tg_err read_name(struct reader *r, struct tg_syslog_span *name);
static enum tg_err read_param(struct reader *r, bool in_meta, struct tg_syslog_message *message);
static void note_param(const struct tg_syslog_span *name, const struct tg_syslog_span *value,
                       bool in_meta, struct tg_syslog_message *message);
static bool read_old_time(struct reader *r, int64_t arrival_ns, const struct tg_syslog_rules *rules,
                          int64_t *event_ns, enum tg_err *err);
static bool nearest_year(struct tg_civil_time *t, int64_t arrival_ns, int64_t *event_ns);
static void read_host_and_tag(struct reader *r, struct tg_syslog_message *message);
static bool take_tag(struct reader *r, const uint8_t *end, struct tg_syslog_message *message);
static void read_body(struct reader *r, struct tg_syslog_message *message);

enum tg_err tg_syslog_read(const uint8_t *bytes, uint32_t length_bytes, int64_t arrival_ns,
                           const struct tg_syslog_rules *rules, struct tg_syslog_message *message)
{
    struct reader r = {bytes, bytes, bytes + length_bytes, "pri"};
    memset(message, 0, sizeof(*message));
    message->event_ns = arrival_ns;
    enum tg_err err = read_pri(&r, message);
    if (err == TG_OK) {
        err = is_rfc5424(&r) ? read_5424(&r, arrival_ns, rules, message)
                             : read_3164(&r, arrival_ns, rules, message);
    }
    message->error_offset = (uint32_t)(r.at - bytes);
    message->error_field = r.field;
    return err;
}

/* RFC 5424 6.2.1: 1 to 3 digits, 0..191, no leading zero. */
static enum tg_err read_pri(struct reader *r, struct tg_syslog_message *message)
{
    const uint8_t *at = r->at;
    uint32_t value = 0;
    unsigned digits = 0;
    if (*at != '<') {
        return TG_E_DECODE_SYNTAX;
    }
    at++;
    while (at < r->end && digits < 3 && *at >= '0' && *at <= '9') {
        value = value * 10 + (uint32_t)(*at - '0');
        digits++;
        at++;
    }
    if (at == r->end) {
        return TG_E_TRUNCATED;
    }
    if (*at != '>' || digits == 0 || value > 191 || (digits > 1 && r->at[1] == '0')) {
        return TG_E_DECODE_SYNTAX;
    }
    message->facility = (uint8_t)(value / 8);
    message->severity = (uint8_t)(value % 8);
    r->at = at + 1;
    return TG_OK;
}

static bool is_rfc5424(const struct reader *r)
{
    const uint8_t *at = r->at;
    while (at < r->end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at > r->at && (at == r->end || *at == ' ');
}

static enum tg_err read_5424(struct reader *r, int64_t arrival_ns,
                             const struct tg_syslog_rules *rules, struct tg_syslog_message *message)
{
    struct tg_syslog_span words[HEADER_COUNT];
    struct tg_syslog_span time;
    enum tg_err err = read_version(r, rules);
    if (err != TG_OK) {
        return err;
    }
    r->field = "timestamp";
    const uint8_t *time_at = r->at;
    err = read_word(r, 64, &time);
    if (err == TG_OK && time.length_bytes > 0 &&
        tg_civil_rfc3339((const char *)time.bytes, time.length_bytes, 0, &message->event_ns) !=
            TG_OK) {
        r->at = time_at;
        message->event_ns = arrival_ns;
        return TG_E_BAD_TIMESTAMP;
    }
    for (unsigned i = 0; err == TG_OK && i < HEADER_COUNT; i++) {
        r->field = header_fields[i].name;
        err = read_word(r, header_fields[i].octets_max, &words[i]);
    }
    if (err != TG_OK) {
        return err;
    }
    message->host = words[HEADER_HOSTNAME];
    message->app = words[HEADER_APP_NAME];
    message->msgid = words[HEADER_MSGID];
    r->field = "structured-data";
    err = read_data(r, message);
    if (err == TG_OK) {
        read_body(r, message);
    }
    return err;
}

/* RFC 5424 6.2.2: a digit from 1, then up to two more. */
static enum tg_err read_version(struct reader *r, const struct tg_syslog_rules *rules)
{
    const uint8_t *at = r->at;
    r->field = "version";
    while (at < r->end && *at != ' ') {
        at++;
    }
    const bool is_first = at - r->at == 1 && *r->at == '1';
    if (*r->at == '0' || at - r->at > 3 || (rules->only_first_version && !is_first)) {
        return TG_E_VERSION;
    }
    if (at == r->end) {
        r->at = at;
        return TG_E_TRUNCATED;
    }
    r->at = at + 1;
    return TG_OK;
}

/* A header word and the space behind it; "-" is nil. */
static enum tg_err read_word(struct reader *r, uint32_t octets_max, struct tg_syslog_span *word)
{
    const uint8_t *first = r->at;
    const uint8_t *at = first;
    while (at < r->end && *at != ' ') {
        if (*at < 33 || *at > 126) {
            r->at = at;
            return TG_E_DECODE_SYNTAX;
        }
        if ((uint32_t)(at - first) == octets_max) {
            return TG_E_LENGTH;
        }
        at++;
    }
    if (at == r->end) {
        r->at = at;
        return TG_E_TRUNCATED;
    }
    if (at == first) {
        return TG_E_DECODE_SYNTAX;
    }
    const bool is_nil = at - first == 1 && *first == '-';
    *word = is_nil ? (struct tg_syslog_span){NULL, 0}
                   : (struct tg_syslog_span){first, (uint32_t)(at - first)};
    r->at = at + 1;
    return TG_OK;
}

/* RFC 5424 6.3: nil, or elements in brackets without anything between. */
static enum tg_err read_data(struct reader *r, struct tg_syslog_message *message)
{
    const uint8_t *first = r->at;
    if (r->at == r->end) {
        return TG_E_TRUNCATED;
    }
    if (*r->at == '-') {
        r->at++;
    } else if (*r->at != '[') {
        return TG_E_DECODE_SYNTAX;
    }
    while (r->at < r->end && *r->at == '[') {
        struct tg_syslog_span id;
        r->at++;
        enum tg_err err = read_name(r, &id);
        const bool in_meta =
            err == TG_OK && id.length_bytes == 4 && memcmp(id.bytes, "meta", 4) == 0;
        while (err == TG_OK && r->at < r->end && *r->at == ' ') {
            r->at++;
            err = read_param(r, in_meta, message);
        }
        if (err != TG_OK) {
            return err;
        }
        if (r->at == r->end) {
            return TG_E_TRUNCATED;
        }
        if (*r->at != ']') {
            return TG_E_DECODE_SYNTAX;
        }
        r->at++;
    }
    if (*first == '[') {
        message->data = (struct tg_syslog_span){first, (uint32_t)(r->at - first)};
    }
    if (r->at < r->end && *r->at != ' ' && *r->at != '\n' && *r->at != '\r' && *r->at != '\0') {
        return TG_E_DECODE_SYNTAX;
    }
    r->at += r->at < r->end && *r->at == ' ';
    return TG_OK;
}

static enum tg_err read_name(struct reader *r, struct tg_syslog_span *name)
{
    const uint8_t *first = r->at;
    while (r->at<r->end && * r->at> 32 && *r->at < 127 && *r->at != '=' && *r->at != ']' &&
           *r->at != '"') {
        r->at++;
    }
    *name = (struct tg_syslog_span){first, (uint32_t)(r->at - first)};
    if (r->at == r->end) {
        return TG_E_TRUNCATED;
    }
    if (name->length_bytes > TG_SYSLOG_SD_NAME_OCTETS_MAX) {
        r->at = first;
        return TG_E_LENGTH;
    }
    return name->length_bytes > 0 ? TG_OK : TG_E_DECODE_SYNTAX;
}

static enum tg_err read_param(struct reader *r, bool in_meta, struct tg_syslog_message *message)
{
    struct tg_syslog_span name;
    const enum tg_err err = read_name(r, &name);
    if (err != TG_OK) {
        return err;
    }
    for (const char *wanted = "=\""; *wanted != '\0'; wanted++) {
        if (r->at == r->end) {
            return TG_E_TRUNCATED;
        }
        if (*r->at != (uint8_t)*wanted) {
            return TG_E_DECODE_SYNTAX;
        }
        r->at++;
    }
    const uint8_t *first = r->at;
    while (r->at < r->end && *r->at != '"') {
        r->at += *r->at == '\\' && r->end - r->at > 1 ? 2 : 1;
    }
    if (r->at == r->end) {
        return TG_E_TRUNCATED;
    }
    const struct tg_syslog_span value = {first, (uint32_t)(r->at - first)};
    note_param(&name, &value, in_meta, message);
    r->at++;
    return TG_OK;
}

static void note_param(const struct tg_syslog_span *name, const struct tg_syslog_span *value,
                       bool in_meta, struct tg_syslog_message *message)
{
    uint32_t number = 0;
    if (in_meta && name->length_bytes == 10 && memcmp(name->bytes, "sequenceId", 10) == 0 &&
        value->length_bytes > 0 && value->length_bytes < 10 &&
        tg_civil_digits((const char *)value->bytes, value->length_bytes, &number)) {
        message->sequence_id = number;
    }
    for (unsigned i = 0; i < sizeof(qualifiers) / sizeof(qualifiers[0]); i++) {
        if (message->qualifier != 0 || name->length_bytes != strlen(qualifiers[i]) ||
            memcmp(name->bytes, qualifiers[i], name->length_bytes) != 0) {
            continue;
        }
        /* The name without its escapes, so that it hashes like the same name from elsewhere. One
         * that is longer than any interface's hashes as it was written. */
        uint8_t plain[256];
        uint32_t count = 0;
        for (uint32_t j = 0; j < value->length_bytes && count < sizeof(plain); j++) {
            const uint8_t *at = value->bytes + j;
            const bool escapes = *at == '\\' && j + 1 < value->length_bytes &&
                                 (at[1] == '"' || at[1] == '\\' || at[1] == ']');
            j += escapes;
            plain[count++] = value->bytes[j];
        }
        message->qualifier = count < sizeof(plain) ? tg_key_name(plain, count)
                                                   : tg_key_name(value->bytes, value->length_bytes);
    }
}

static enum tg_err read_3164(struct reader *r, int64_t arrival_ns,
                             const struct tg_syslog_rules *rules, struct tg_syslog_message *message)
{
    enum tg_err err = TG_OK;
    r->field = "timestamp";
    if (read_old_time(r, arrival_ns, rules, &message->event_ns, &err)) {
        r->field = "tag";
        read_host_and_tag(r, message);
    }
    if (err == TG_OK) {
        r->field = "msg";
        read_body(r, message);
    }
    return err;
}

/* Returns true when there was a time and a space behind it. A text of another shape is content; one
 * of the right shape with an impossible field is a fault. */
static bool read_old_time(struct reader *r, int64_t arrival_ns, const struct tg_syslog_rules *rules,
                          int64_t *event_ns, enum tg_err *err)
{
    const char *text = (const char *)r->at;
    const size_t left = (size_t)(r->end - r->at);
    const uint8_t *space = memchr(r->at, ' ', left < 40 ? left : 40);
    if (space != NULL && space - r->at >= 19 && text[4] == '-' && text[10] == 'T') {
        const enum tg_err shape =
            tg_civil_rfc3339(text, (size_t)(space - r->at), rules->utc_offset_s, event_ns);
        *err = shape == TG_OK ? TG_OK : TG_E_BAD_TIMESTAMP;
        r->at = shape == TG_OK ? space + 1 : r->at;
        return shape == TG_OK;
    }
    struct tg_civil_time t = {.offset_s = rules->utc_offset_s};
    uint32_t day;
    uint32_t hour;
    uint32_t minute;
    uint32_t second;
    if (left < 16 || (t.month = tg_civil_month(text)) == 0 || text[3] != ' ' || text[6] != ' ' ||
        !tg_civil_digits(text + 4 + (text[4] == ' '), text[4] == ' ' ? 1 : 2, &day) ||
        !tg_civil_digits(text + 7, 2, &hour) || text[9] != ':' ||
        !tg_civil_digits(text + 10, 2, &minute) || text[12] != ':' ||
        !tg_civil_digits(text + 13, 2, &second)) {
        return false;
    }
    size_t at = 15;
    if (text[at] == '.') {
        at += 1 + tg_civil_fraction(text + at + 1, left - at - 1, &t.nanosecond);
    }
    if (at >= left || text[at] != ' ') {
        return false;
    }
    t.day = (uint8_t)day;
    t.hour = (uint8_t)hour;
    t.minute = (uint8_t)minute;
    t.second = (uint8_t)second;
    if (!nearest_year(&t, arrival_ns, event_ns)) {
        *err = TG_E_BAD_TIMESTAMP;
        return false;
    }
    r->at += at + 1;
    return true;
}

/* RFC 3164 has no year: the one that puts the event nearest to its arrival is taken, so a message
 * of 31 December that arrives on 1 January, or one from a clock that runs ahead, keeps its place.
 */
static bool nearest_year(struct tg_civil_time *t, int64_t arrival_ns, int64_t *event_ns)
{
    /* 365.2425 days; only a guess of the year, its neighbours are tried too. */
    const int32_t guess = 1970 + (int32_t)(arrival_ns / INT64_C(31556952000000000));
    uint64_t best = UINT64_MAX;
    for (int32_t year = guess - 1; year <= guess + 1; year++) {
        int64_t candidate;
        t->year = year;
        if (!tg_civil_ns(t, &candidate)) {
            continue;
        }
        const uint64_t distance = candidate > arrival_ns
                                      ? (uint64_t)candidate - (uint64_t)arrival_ns
                                      : (uint64_t)arrival_ns - (uint64_t)candidate;
        if (distance < best) {
            best = distance;
            *event_ns = candidate;
        }
    }
    return best != UINT64_MAX;
}

/* RFC 3164 4.1.2 and 5.2: HOSTNAME SP TAG; many senders leave the host out, and then the word
 * behind the time ends like a tag. */
static void read_host_and_tag(struct reader *r, struct tg_syslog_message *message)
{
    const uint8_t *space = memchr(r->at, ' ', (size_t)(r->end - r->at));
    if (take_tag(r, space != NULL ? space : r->end, message) || space == NULL) {
        return;
    }
    if (space - r->at > 255 || space == r->at) {
        return;
    }
    message->host = (struct tg_syslog_span){r->at, (uint32_t)(space - r->at)};
    r->at = space + 1;
    space = memchr(r->at, ' ', (size_t)(r->end - r->at));
    take_tag(r, space != NULL ? space : r->end, message);
}

/* word: or word[pid]: up to `end`; steps over it and one space. */
static bool take_tag(struct reader *r, const uint8_t *end, struct tg_syslog_message *message)
{
    const uint8_t *last = end;
    if (last == r->at || last[-1] != ':') {
        return false;
    }
    last--;
    if (last > r->at && last[-1] == ']') {
        const uint8_t *bracket = memchr(r->at, '[', (size_t)(last - r->at));
        last = bracket != NULL ? bracket : last;
    }
    if (last == r->at || last - r->at > 48 || memchr(r->at, ':', (size_t)(last - r->at)) != NULL) {
        return false;
    }
    message->app = (struct tg_syslog_span){r->at, (uint32_t)(last - r->at)};
    r->at = end + (end < r->end && *end == ' ');
    return true;
}

static void read_body(struct reader *r, struct tg_syslog_message *message)
{
    const uint8_t *first = r->at;
    const uint8_t *last = r->end;
    if (last - first >= 3 && memcmp(first, "\xef\xbb\xbf", 3) == 0) {
        first += 3;
    }
    while (last > first && (last[-1] == '\n' || last[-1] == '\r' || last[-1] == '\0')) {
        last--;
    }
    message->body = (struct tg_syslog_span){first, (uint32_t)(last - first)};
}
