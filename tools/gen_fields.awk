# SPDX-License-Identifier: Apache-2.0
# Turns a field table of schemas/ into an X-macro list for C, in plain POSIX awk.
#
#   awk -f tools/gen_fields.awk schemas/ipfix/ipfix.tsv > ipfix_elements.def
#
# In:  tab-separated: number, number, name, type, unit, usage, clause; '#' starts a comment line.
# Out: TG_ROW(number, number, "name", TG_FIELD_<TYPE>, TG_FLOW_<USAGE>), one a row, order kept.
# Set sorted=1 to refuse a table that is not strictly ascending by (column 2, column 1): the
# decoder searches it by halves. Any mistake ends with exit code 1 and file:line.
function fail(text)
{
    printf "%s:%d: error: %s\n", FILENAME, FNR, text > "/dev/stderr"
    failed = 1
    exit 1
}
BEGIN {
    FS = "\t"
    last_a = -1
    last_b = -1
    print "/* made by tools/gen_fields.awk from schemas/; edit the table, not this */"
}
/^#/ || /^[ \t]*$/ { next }
{
    if (NF != 7)
        fail("needs 7 columns, has " NF)
    if ($1 !~ /^[0-9]+$/ || $2 !~ /^[0-9]+$/)
        fail("columns 1 and 2 are numbers")
    if ($1 + 0 > 65535)
        fail("a field number is at most 65535")
    if ($3 !~ /^[A-Za-z][A-Za-z0-9_]*$/)
        fail("the name is letters, digits and _")
    if ($4 !~ /^[a-z0-9]+$/ || $6 !~ /^[a-z0-9_]+$/)
        fail("type and usage are lower-case words")
    if ($7 == "" || $7 == "-")
        fail("every entry names its clause")
    if (sorted && !($2 + 0 > last_b || ($2 + 0 == last_b && $1 + 0 > last_a)))
        fail("not in ascending order, or twice there")
    last_a = $1 + 0
    last_b = $2 + 0
    printf "TG_ROW(%d, %du, \"%s\", ", $1, $2, $3
    printf "TG_FIELD_%s, TG_FLOW_%s)\n", toupper($4), toupper($6)
    rows++
}
END {
    if (!failed && rows == 0) {
        printf "%s: error: no rows\n", FILENAME > "/dev/stderr"
        exit 1
    }
    if (failed)
        exit 1
}
