/* SPDX-License-Identifier: Apache-2.0 */
#include "control/config.h"

#include "doc/scalar.h"
#include "doc/schema.h"
#include "doc/yaml.h"
#include "plug/registry.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const memory_names[] = {"auto", "never", "always", NULL};
static const char *const port_names[] = {"pcap",   "af_packet", "ring", "socket",
                                         "folder", "vdev",      "af_xdp", NULL};

static const struct tg_schema_key text_item = {.type = TG_TYPE_STRING, .min = 1, .max = 4000};
static const struct tg_schema_key name_item = {.type = TG_TYPE_NAME};

static const struct tg_schema_key memory_keys[] = {
    {.key = "huge_pages", .type = TG_TYPE_ENUM, .names = memory_names, .fallback = "auto",
     .help = "Huge pages for packet buffers; auto uses them when they are there."},
    {.key = "mib", .type = TG_TYPE_INTEGER, .min = 16, .max = 65536, .fallback = "256",
     .help = "Packet buffer memory in MiB."},
};
static const struct tg_schema memory_schema = TG_SCHEMA(memory_keys);

static const struct tg_schema_key limits_keys[] = {
    {.key = "subscribers", .type = TG_TYPE_INTEGER, .min = 1, .max = 100000000,
     .help = "Account lines kept in memory; default: as many as the catalog lists."},
    {.key = "sessions", .type = TG_TYPE_INTEGER, .min = 64, .max = 100000000,
     .fallback = "1000000", .help = "Addresses whose holders are known at once."},
    {.key = "dedup_records", .type = TG_TYPE_INTEGER, .min = 1024, .max = 4000000000,
     .fallback = "4000000", .help = "Records remembered for the duplicate check, a generation."},
    {.key = "reservations", .type = TG_TYPE_INTEGER, .min = 16, .max = 10000000,
     .fallback = "65536", .help = "Ids of prepaid requests remembered, a rate worker."},
    {.key = "park", .type = TG_TYPE_DURATION, .min = 1000000000, .max = INT64_MAX,
     .fallback = "30min", .help = "How long data waits for its template."},
    {.key = "tariff_time", .type = TG_TYPE_DURATION, .min = 1000000, .max = 60000000000,
     .fallback = "100ms", .help = "Processor time a call of a native tariff may take."},
};
static const struct tg_schema limits_schema = TG_SCHEMA(limits_keys);

static const struct tg_schema_key prepaid_keys[] = {
    {.key = "node_down_grace", .type = TG_TYPE_DURATION, .max = INT64_MAX, .fallback = "30s",
     .help = "A node that is down so long loses its reservations; 0s: at once; 10000d: never."},
};
static const struct tg_schema prepaid_schema = TG_SCHEMA(prepaid_keys);

static const struct tg_schema_key checkpoint_keys[] = {
    {.key = "every", .type = TG_TYPE_DURATION, .max = INT64_MAX, .fallback = "5min",
     .help = "At most this long after the one before; 0s: not by time."},
    {.key = "journal", .type = TG_TYPE_SIZE, .max = INT64_MAX, .fallback = "4GiB",
     .help = "At most this much of the journal after the one before; 0: not by size."},
};
static const struct tg_schema checkpoint_schema = TG_SCHEMA(checkpoint_keys);

static const struct tg_schema_key decoder_keys[] = {
    {.key = "decoder", .type = TG_TYPE_NAME, .is_required = true,
     .help = "Plug-in: netflow5, netflow9, ipfix, radius, csv, syslog, or your own."},
    {.key = "port", .type = TG_TYPE_INTEGER, .min = 1, .max = 65535,
     .help = "UDP port it reads; absent for files."},
    {.key = "settings", .type = TG_TYPE_SETTINGS, .help = "Handed to the decoder."},
};
static const struct tg_schema decoder_schema = TG_SCHEMA(decoder_keys);
static const struct tg_schema_key decoder_item = {.type = TG_TYPE_MAP, .sub = &decoder_schema};

static const struct tg_schema_key port_keys[] = {
    {.key = "name", .type = TG_TYPE_NAME, .is_required = true,
     .help = "Its name; positions are kept under it."},
    {.key = "kind", .type = TG_TYPE_ENUM, .names = port_names, .is_required = true,
     .help = "How bytes enter."},
    {.key = "target", .type = TG_TYPE_STRING, .min = 1, .max = 4000, .is_required = true,
     .help = "Capture file, interface, address:port, folder, or vdev arguments."},
    {.key = "pattern", .type = TG_TYPE_STRING, .min = 1, .max = 255,
     .help = "folder: names to take, such as *.csv."},
    {.key = "done", .type = TG_TYPE_STRING, .min = 1, .max = 4000,
     .help = "folder: where finished files go; default target/done."},
    {.key = "decoder", .type = TG_TYPE_NAME, .help = "folder: who reads the files."},
    {.key = "node", .type = TG_TYPE_NAME, .help = "folder: the node whose records these are."},
    {.key = "follow", .type = TG_TYPE_BOOL, .fallback = "true",
     .help = "folder: keep watching; false: finished when empty."},
    {.key = "queue", .type = TG_TYPE_INTEGER, .min = 0, .max = 63, .fallback = "0",
     .help = "af_packet: number in the fan-out; af_xdp: the interface's queue."},
};
static const struct tg_schema port_schema = TG_SCHEMA(port_keys);
static const struct tg_schema_key port_item = {.type = TG_TYPE_MAP, .sub = &port_schema};

static const struct tg_schema_key group_keys[] = {
    {.key = "any", .type = TG_TYPE_INTEGER, .min = 1, .max = TG_GROUP_PARENTS_MAX,
     .fallback = "1", .help = "How many of them must work."},
    {.key = "of", .type = TG_TYPE_LIST, .min = 1, .max = TG_GROUP_PARENTS_MAX,
     .item = &name_item, .is_required = true, .help = "Parents."},
};
static const struct tg_schema group_schema = TG_SCHEMA(group_keys);
static const struct tg_schema_key group_item = {.type = TG_TYPE_MAP, .sub = &group_schema};

static const struct tg_schema_key node_keys[] = {
    {.key = "name", .type = TG_TYPE_NAME, .is_required = true, .help = "Host name."},
    {.key = "addresses", .type = TG_TYPE_LIST, .max = TG_NODE_ADDRESSES_MAX, .item = &text_item,
     .help = "Addresses it sends from."},
    {.key = "hosts", .type = TG_TYPE_LIST, .max = TG_NODE_HOSTS_MAX, .item = &text_item,
     .help = "Other names it uses in messages."},
    {.key = "depends_on", .type = TG_TYPE_LIST, .max = TG_NODE_GROUPS_MAX, .item = &group_item,
     .help = "Groups of parents; each needs `any` of its members."},
    {.key = "interval", .type = TG_TYPE_DURATION, .min = 0, .max = INT64_MAX, .fallback = "30s",
     .help = "Between signs of life; 0: silence says nothing."},
};
static const struct tg_schema node_schema = TG_SCHEMA(node_keys);
static const struct tg_schema_key node_item = {.type = TG_TYPE_MAP, .sub = &node_schema};

static const struct tg_schema_key front_keys[] = {
    {.key = "front", .type = TG_TYPE_NAME, .is_required = true, .help = "bss, oss or your own."},
    {.key = "listen", .type = TG_TYPE_LISTEN, .help = "Where; default loopback."},
};
static const struct tg_schema front_schema = TG_SCHEMA(front_keys);
static const struct tg_schema_key front_item = {.type = TG_TYPE_MAP, .sub = &front_schema};

static const struct tg_schema_key config_keys[] = {
    {.key = "data", .type = TG_TYPE_STRING, .min = 1, .max = 4000, .is_required = true,
     .help = "Folder of journal, state and catalog versions."},
    {.key = "catalog", .type = TG_TYPE_STRING, .min = 1, .max = 4000,
     .help = "Folder of catalog documents, imported at start unless it is as it was."},
    {.key = "workers", .type = TG_TYPE_INTEGER, .min = 1, .max = TG_WORKERS_MAX, .fallback = "1",
     .help = "Cores of the data plane: 1 does all, n is one ingest and n - 1 rate workers."},
    {.key = "memory", .type = TG_TYPE_MAP, .sub = &memory_schema, .help = "Packet buffers."},
    {.key = "limits", .type = TG_TYPE_MAP, .sub = &limits_schema, .help = "Sizes of tables."},
    {.key = "checkpoint", .type = TG_TYPE_MAP, .sub = &checkpoint_schema,
     .help = "When state is stored while rows flow; what a restart need not replay."},
    {.key = "prepaid", .type = TG_TYPE_MAP, .sub = &prepaid_schema,
     .help = "How reservations are supervised."},
    {.key = "metrics", .type = TG_TYPE_LISTEN, .help = "Address of /metrics; absent: none."},
    {.key = "preallocate", .type = TG_TYPE_BOOL, .fallback = "true",
     .help = "Take journal segments and their buffers whole at start: a full disk shows early."},
    {.key = "plugins", .type = TG_TYPE_LIST, .max = TG_CONFIG_PLUGINS_MAX, .item = &text_item,
     .help = "Shared objects to load: trusted code."},
    {.key = "decoders", .type = TG_TYPE_LIST, .max = TG_PORTS_MAX, .item = &decoder_item,
     .is_required = true, .help = "Who reads what."},
    {.key = "ports", .type = TG_TYPE_LIST, .min = 1, .max = TG_PORTS_MAX, .item = &port_item,
     .is_required = true, .help = "Where bytes enter."},
    {.key = "nodes", .type = TG_TYPE_LIST, .max = TG_NODES_MAX, .item = &node_item,
     .help = "Node inventory and topology."},
    {.key = "fronts", .type = TG_TYPE_LIST, .max = TG_CONFIG_FRONTS_MAX, .item = &front_item,
     .help = "Front processes to start and watch."},
};
static const struct tg_schema config_schema = TG_SCHEMA(config_keys);

/* Everything the configuration points at lives in one list of blocks, freed together. */
struct owned {
    struct owned *next;
    max_align_t bytes[];
};

struct loader {
    struct tg_config *config;
    struct owned *blocks;
    struct tg_yaml *yaml;
    struct tg_diag *diag;
    char folder[4096];
    bool has_failed; /* out of memory */
};

static void *own(struct loader *l, size_t size_bytes)
{
    struct owned *block = calloc(1, sizeof *block + size_bytes);
    if (block == NULL) {
        l->has_failed = true;
        return NULL;
    }
    block->next = l->blocks;
    l->blocks = block;
    return block->bytes;
}

static const char *own_text(struct loader *l, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    char *copy = own(l, strlen(text) + 1);
    return copy != NULL ? memcpy(copy, text, strlen(text) + 1) : NULL;
}

static const char *own_path(struct loader *l, const char *path)
{
    if (path == NULL || path[0] == '/') {
        return own_text(l, path);
    }
    const size_t size_bytes = strlen(l->folder) + strlen(path) + 2;
    char *joined = own(l, size_bytes);
    if (joined != NULL) {
        (void)snprintf(joined, size_bytes, "%s/%s", l->folder, path);
    }
    return joined;
}

static void mistake(struct loader *l, const struct tg_yaml_node *node, const char *hint,
                    const char *text)
{
    tg_diag_add(l->diag, TG_DIAG_ERROR, node->mark, hint, "%s", text);
}

/* --- settings: any tree becomes dotted keys --- */

struct flat {
    struct tg_setting *settings;
    uint32_t count;
};

static void flatten(struct loader *l, const struct tg_yaml_node *node, const char *prefix,
                    struct flat *flat)
{
    uint32_t index = 0;
    for (const struct tg_yaml_node *child = node->child; child != NULL; child = child->next) {
        char key[512];
        char number[16];
        (void)snprintf(number, sizeof number, "%u", index++);
        (void)snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "",
                       child->key != NULL ? child->key : number);
        if (child->kind != TG_YAML_SCALAR) {
            flatten(l, child, key, flat);
            continue;
        }
        if (flat->count == TG_CONFIG_SETTINGS_MAX) {
            mistake(l, child, NULL, "more settings than one plug-in may have (256)");
            return;
        }
        flat->settings[flat->count++] =
            (struct tg_setting){.key = own_text(l, key),
                                .value = own_text(l, child->text),
                                .file = own_text(l, tg_yaml_source(l->yaml)->path),
                                .line = child->mark.line,
                                .column = child->mark.column};
    }
}

static const struct tg_setting *settings_of(struct loader *l, const struct tg_yaml_node *tree,
                                            uint32_t *settings_count)
{
    *settings_count = 0;
    if (tree == NULL) {
        return NULL;
    }
    struct flat flat = {own(l, TG_CONFIG_SETTINGS_MAX * sizeof(struct tg_setting)), 0};
    if (flat.settings != NULL) {
        flatten(l, tree, "", &flat);
    }
    *settings_count = flat.count;
    return flat.settings;
}

/* --- sections --- */

static void load_plugins(struct loader *l, const struct tg_yaml_node *list)
{
    for (const struct tg_yaml_node *n = list != NULL ? list->child : NULL;
         n != NULL && l->config->plugins_count < TG_CONFIG_PLUGINS_MAX; n = n->next) {
        l->config->plugins[l->config->plugins_count++] = own_path(l, n->text);
    }
}

static void load_decoders(struct loader *l, const struct tg_yaml_node *list)
{
    for (const struct tg_yaml_node *n = list != NULL ? list->child : NULL;
         n != NULL && l->config->decoders_count < TG_PORTS_MAX; n = n->next) {
        struct tg_config_decoder *d = &l->config->decoders[l->config->decoders_count++];
        d->name = own_text(l, tg_schema_text(&decoder_schema, n, "decoder"));
        d->local_port = (uint16_t)tg_schema_number(&decoder_schema, n, "port");
        d->settings = settings_of(l, tg_yaml_get(n, "settings"), &d->settings_count);
    }
}

static bool has_decoder(const struct tg_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->decoders_count; i++) {
        if (config->decoders[i].name != NULL && strcmp(config->decoders[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void check_port(struct loader *l, const struct tg_yaml_node *node,
                       const struct tg_config_port *p)
{
    const bool is_folder = p->port.kind == TG_PORT_FOLDER;
    if (is_folder && p->decoder == NULL) {
        mistake(l, node, "add decoder: csv", "a folder needs a decoder for its files");
    }
    if (!is_folder && p->decoder != NULL) {
        mistake(l, tg_yaml_get(node, "decoder"), "give the decoder a `port` instead",
                "only folders name a decoder; datagrams go by UDP port");
    }
    if (p->decoder != NULL && !has_decoder(l->config, p->decoder)) {
        mistake(l, tg_yaml_get(node, "decoder"), "add it to `decoders`",
                "this decoder is not configured");
    }
    for (uint32_t i = 0; i + 1 < l->config->ports_count; i++) {
        if (p->port.name != NULL && l->config->ports[i].port.name != NULL &&
            strcmp(l->config->ports[i].port.name, p->port.name) == 0) {
            mistake(l, tg_yaml_get(node, "name"), "positions are kept by name",
                    "two ports have this name");
        }
    }
}

static void load_ports(struct loader *l, const struct tg_yaml_node *list)
{
    for (const struct tg_yaml_node *n = list != NULL ? list->child : NULL;
         n != NULL && l->config->ports_count < TG_PORTS_MAX; n = n->next) {
        struct tg_config_port *p = &l->config->ports[l->config->ports_count++];
        const enum tg_port_kind kind = (enum tg_port_kind)tg_schema_number(&port_schema, n, "kind");
        const char *target = tg_schema_text(&port_schema, n, "target");
        const bool is_path = kind == TG_PORT_PCAP || kind == TG_PORT_FOLDER;
        p->port = (struct tg_port_config){
            .size_bytes = sizeof p->port,
            .kind = kind,
            .name = own_text(l, tg_schema_text(&port_schema, n, "name")),
            .target = is_path ? own_path(l, target) : own_text(l, target),
            .pattern = own_text(l, tg_schema_text(&port_schema, n, "pattern")),
            .done = own_path(l, tg_schema_text(&port_schema, n, "done")),
            .queue = (uint16_t)tg_schema_number(&port_schema, n, "queue"),
            .follow = tg_schema_number(&port_schema, n, "follow") != 0};
        p->decoder = own_text(l, tg_schema_text(&port_schema, n, "decoder"));
        p->node = own_text(l, tg_schema_text(&port_schema, n, "node"));
        check_port(l, n, p);
    }
}

static void load_fronts(struct loader *l, const struct tg_yaml_node *list)
{
    for (const struct tg_yaml_node *n = list != NULL ? list->child : NULL;
         n != NULL && l->config->fronts_count < TG_CONFIG_FRONTS_MAX; n = n->next) {
        struct tg_config_front *f = &l->config->fronts[l->config->fronts_count++];
        f->name = own_text(l, tg_schema_text(&front_schema, n, "front"));
        f->listen = own_text(l, tg_schema_text(&front_schema, n, "listen"));
    }
}

static const char *const *names_of(struct loader *l, const struct tg_yaml_node *list,
                                   uint32_t *count)
{
    *count = 0;
    if (list == NULL || list->children_count == 0) {
        return NULL;
    }
    const char **names = own(l, list->children_count * sizeof *names);
    for (const struct tg_yaml_node *n = list->child; names != NULL && n != NULL; n = n->next) {
        names[(*count)++] = own_text(l, n->text);
    }
    return names;
}

static void load_addresses(struct loader *l, const struct tg_yaml_node *list,
                           struct tg_node_spec *spec)
{
    if (list == NULL || list->children_count == 0) {
        return;
    }
    uint8_t(*addresses)[16] = own(l, list->children_count * sizeof *addresses);
    for (const struct tg_yaml_node *n = list->child; addresses != NULL && n != NULL; n = n->next) {
        char text[128];
        uint16_t port;
        const bool is_v6 = strchr(n->text, ':') != NULL;
        (void)snprintf(text, sizeof text, is_v6 ? "[%s]:1" : "%s:1", n->text);
        if (tg_scalar_listen(text, strlen(text), addresses[spec->addresses_count], &port) !=
            TG_OK) {
            mistake(l, n, "such as 192.0.2.1 or 2001:db8::1", "not an IP address");
            continue;
        }
        spec->addresses_count++;
    }
    spec->addresses = (const uint8_t(*)[16])addresses;
}

static void load_groups(struct loader *l, const struct tg_yaml_node *list,
                        struct tg_node_spec *spec)
{
    if (list == NULL || list->children_count == 0) {
        return;
    }
    struct tg_group_spec *groups = own(l, list->children_count * sizeof *groups);
    for (const struct tg_yaml_node *n = list->child; groups != NULL && n != NULL; n = n->next) {
        struct tg_group_spec *group = &groups[spec->groups_count++];
        group->parents = names_of(l, tg_yaml_get(n, "of"), &group->parents_count);
        group->needed_count = (uint32_t)tg_schema_number(&group_schema, n, "any");
    }
    spec->groups = groups;
}

static void load_nodes(struct loader *l, const struct tg_yaml_node *list)
{
    if (list == NULL || list->children_count == 0) {
        return;
    }
    l->config->nodes = own(l, list->children_count * sizeof *l->config->nodes);
    for (const struct tg_yaml_node *n = list->child; l->config->nodes != NULL && n != NULL;
         n = n->next) {
        struct tg_node_spec *spec = &l->config->nodes[l->config->nodes_count++];
        const int64_t interval_ns = tg_schema_number(&node_schema, n, "interval");
        spec->name = own_text(l, tg_schema_text(&node_schema, n, "name"));
        spec->interval_ns = interval_ns == 0 ? -1 : interval_ns;
        spec->hosts = names_of(l, tg_yaml_get(n, "hosts"), &spec->hosts_count);
        load_addresses(l, tg_yaml_get(n, "addresses"), spec);
        load_groups(l, tg_yaml_get(n, "depends_on"), spec);
    }
    /* The inventory's own checks (cycles, unknown parents) name nodes, not lines. */
    struct tg_inventory *inventory = NULL;
    struct tg_why why;
    if (tg_diag_errors_count(l->diag) == 0 && !l->has_failed &&
        tg_inventory_open(l->config->nodes, l->config->nodes_count, &inventory, &why) != TG_OK) {
        mistake(l, list, NULL, why.text);
    }
    tg_inventory_close(inventory);
}

static void load_folders(struct loader *l)
{
    for (uint32_t i = 0; i < l->config->ports_count; i++) {
        const struct tg_config_port *port = &l->config->ports[i];
        bool is_known = port->node == NULL;
        for (uint32_t k = 0; k < l->config->nodes_count && !is_known; k++) {
            is_known = l->config->nodes[k].name != NULL &&
                       strcmp(l->config->nodes[k].name, port->node) == 0;
        }
        if (!is_known) {
            const struct tg_yaml_node *node = tg_yaml_get(tg_yaml_root(l->yaml), "ports")->child;
            for (uint32_t k = 0; k < i; k++) {
                node = node->next;
            }
            mistake(l, tg_yaml_get(node, "node"), "add it to `nodes`", "no node has this name");
        }
    }
}

static void load_all(struct loader *l, const struct tg_yaml_node *root)
{
    struct tg_config *c = l->config;
    const struct tg_yaml_node *memory = tg_yaml_get(root, "memory");
    const struct tg_yaml_node *limits = tg_yaml_get(root, "limits");
    static const enum tg_eal_memory memories[] = {TG_EAL_MEMORY_AUTO, TG_EAL_MEMORY_NO_HUGE,
                                                  TG_EAL_MEMORY_HUGE};
    c->data_dir = own_path(l, tg_schema_text(&config_schema, root, "data"));
    c->catalog_dir = own_path(l, tg_schema_text(&config_schema, root, "catalog"));
    c->metrics_listen = own_text(l, tg_schema_text(&config_schema, root, "metrics"));
    c->workers_count = (uint32_t)tg_schema_number(&config_schema, root, "workers");
    const struct tg_yaml_node *checkpoint = tg_yaml_get(root, "checkpoint");
    c->checkpoint_ns = tg_schema_number(&checkpoint_schema, checkpoint, "every");
    c->checkpoint_octets = (uint64_t)tg_schema_number(&checkpoint_schema, checkpoint, "journal");
    c->outage_grace_ns =
        tg_schema_number(&prepaid_schema, tg_yaml_get(root, "prepaid"), "node_down_grace");
    c->is_journal_sparse = tg_schema_number(&config_schema, root, "preallocate") == 0;
    c->memory = memories[tg_schema_number(&memory_schema, memory, "huge_pages")];
    c->memory_mib = (uint32_t)tg_schema_number(&memory_schema, memory, "mib");
    c->subscribers_max = (uint32_t)tg_schema_number(&limits_schema, limits, "subscribers");
    c->sessions_max = (uint32_t)tg_schema_number(&limits_schema, limits, "sessions");
    c->reservations_max = (uint32_t)tg_schema_number(&limits_schema, limits, "reservations");
    c->dedup_records_max = (uint64_t)tg_schema_number(&limits_schema, limits, "dedup_records");
    c->park_ns = tg_schema_number(&limits_schema, limits, "park");
    c->tariff_budget_ms =
        (uint32_t)(tg_schema_number(&limits_schema, limits, "tariff_time") / 1000000);
    load_plugins(l, tg_yaml_get(root, "plugins"));
    load_decoders(l, tg_yaml_get(root, "decoders"));
    load_ports(l, tg_yaml_get(root, "ports"));
    load_fronts(l, tg_yaml_get(root, "fronts"));
    load_nodes(l, tg_yaml_get(root, "nodes"));
    load_folders(l);
}

static void loader_free(struct loader *l)
{
    while (l->blocks != NULL) {
        struct owned *next = l->blocks->next;
        free(l->blocks);
        l->blocks = next;
    }
}

static void folder_of(const char *path, char folder[4096])
{
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, 4096, "%.*s", slash != NULL ? (int)(slash - path) : 1,
                   slash != NULL ? (slash == path ? "/" : path) : ".");
}

enum tg_err tg_config_load(const char *path, struct tg_diag *diag, struct tg_config **config)
{
    struct loader l = {.diag = diag};
    *config = NULL;
    folder_of(path, l.folder);
    enum tg_err err = tg_yaml_load(path, NULL, diag, &l.yaml);
    if (l.yaml == NULL) {
        return err;
    }
    const struct tg_yaml_node *root = tg_yaml_root(l.yaml);
    (void)tg_schema_check(&config_schema, root, diag);
    l.config = own(&l, sizeof *l.config);
    if (l.config != NULL) {
        load_all(&l, root);
    }
    tg_yaml_close(l.yaml);
    if (l.has_failed) {
        err = TG_E_NO_MEMORY;
    } else if (tg_diag_errors_count(diag) > 0) {
        err = TG_E_DOCUMENT;
    }
    if (err != TG_OK) {
        loader_free(&l);
        return err;
    }
    l.config->memory_owner = l.blocks;
    *config = l.config;
    return TG_OK;
}

void tg_config_close(struct tg_config *config)
{
    if (config != NULL) {
        struct loader l = {.blocks = config->memory_owner};
        loader_free(&l);
    }
}

void tg_config_reference(FILE *to)
{
    tg_schema_print(&config_schema, to);
}
