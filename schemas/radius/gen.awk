# SPDX-License-Identifier: Apache-2.0
# attributes.tsv -> radius_attributes.def: TG_RADIUS_STANDARD(number, name, type, use) for the
# standard space, TG_RADIUS_VENDOR(vendor, number, name, type, use) for vendors. A malformed line
# stops the build, as a silently dropped attribute would silently drop octets.
BEGIN {
    FS = "\t"
    print "/* SPDX-License-Identifier: Apache-2.0 */"
    print "/* made from schemas/radius/attributes.tsv by gen.awk */"
    split("text octets integer ipv4 ipv6 ipv6prefix time ifid vsa", names, " ")
    for (i in names) {
        types[names[i]] = 1
    }
}
/^#/ || NF == 0 { next }
{
    key = $2 "/" $1
    if (NF != 6 || $1 !~ /^[0-9]+$/ || $1 < 1 || $1 > 255 || !($4 in types) || key in seen) {
        printf "%s:%d: bad or repeated attribute: %s\n", FILENAME, FNR, $0 > "/dev/stderr"
        exit 1
    }
    seen[key] = 1
    use = $5 == "-" ? "NONE" : toupper($5)
    if ($2 == 0) {
        printf "TG_RADIUS_STANDARD(%d, \"%s\", %s, %s) /* %s */\n", $1, $3, toupper($4), use, $6
    } else {
        printf "TG_RADIUS_VENDOR(%d, %d, \"%s\", %s, %s) /* %s */\n", $2, $1, $3, toupper($4), use, $6
    }
}
