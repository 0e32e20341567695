# SPDX-License-Identifier: Apache-2.0
# fields.tsv -> syslog_fields.def: TG_SYSLOG_HEADER(ident, name, octets_max) and
# TG_SYSLOG_QUALIFIER(name). A malformed line stops the build.
BEGIN {
    FS = "\t"
    print "/* SPDX-License-Identifier: Apache-2.0 */"
    print "/* made from schemas/syslog/fields.tsv by gen.awk */"
}
/^#/ || NF == 0 { next }
$1 == "header" && NF == 4 && $3 ~ /^[0-9]+$/ {
    ident = toupper($2)
    gsub(/-/, "_", ident)
    printf "TG_SYSLOG_HEADER(%s, \"%s\", %d) /* %s */\n", ident, $2, $3, $4
    next
}
$1 == "qualifier" && NF == 4 {
    printf "TG_SYSLOG_QUALIFIER(\"%s\") /* %s */\n", $2, $4
    next
}
{
    printf "%s:%d: bad field: %s\n", FILENAME, FNR, $0 > "/dev/stderr"
    exit 1
}
