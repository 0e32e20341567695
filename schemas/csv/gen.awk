# SPDX-License-Identifier: Apache-2.0
# fields.tsv -> csv_fields.def: TG_CSV_FIELD(ident, name, default column or ""). A malformed line
# stops the build.
BEGIN {
    FS = "\t"
    print "/* SPDX-License-Identifier: Apache-2.0 */"
    print "/* made from schemas/csv/fields.tsv by gen.awk */"
}
/^#/ || NF == 0 { next }
NF != 3 || $1 !~ /^[a-z_]+$/ {
    printf "%s:%d: bad field: %s\n", FILENAME, FNR, $0 > "/dev/stderr"
    exit 1
}
{ printf "TG_CSV_FIELD(%s, \"%s\", \"%s\") /* %s */\n", toupper($1), $1, $2 == "-" ? "" : $2, $3 }
