/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/port.h"

#include "base/arena.h"
#include "base/limits.h"
#include "ports/port_ops.h"
#include "rt/counters.h"
#include "rt/eal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct kind {
    const char *name;
    const struct tg_port_ops *ops;
    bool needs_eal;
    bool has_queues;
};

static const struct kind kinds[] = {
    [TG_PORT_PCAP] = {"pcap", &tg_port_ethdev_ops, true, false},
    [TG_PORT_AF_PACKET] = {"af_packet", &tg_port_ethdev_ops, true, true},
    [TG_PORT_RING] = {"ring", &tg_port_ethdev_ops, true, false},
    [TG_PORT_SOCKET] = {"socket", &tg_port_socket_ops, false, false},
    [TG_PORT_FOLDER] = {"folder", &tg_port_folder_ops, false, false},
    [TG_PORT_VDEV] = {"vdev", &tg_port_ethdev_ops, true, false},
    [TG_PORT_AF_XDP] = {"af_xdp", &tg_port_ethdev_ops, true, true},
};
#define KINDS_COUNT (sizeof kinds / sizeof kinds[0])

static enum tg_err config_check(const struct tg_port_config *config, struct tg_why *why)
{
    if (config->size_bytes != sizeof *config || (unsigned)config->kind >= KINDS_COUNT) {
        return tg_why_set(why, TG_E_INVALID, "a port configuration of an unknown kind or size");
    }
    if (config->name == NULL || config->name[0] == '\0' ||
        strlen(config->name) >= TG_PORT_NAME_BYTES_MAX) {
        return tg_why_set(why, TG_E_INVALID, "a port needs a name of 1 to %u characters",
                          TG_PORT_NAME_BYTES_MAX - 1);
    }
    const struct kind *kind = &kinds[config->kind];
    if (config->target == NULL || config->target[0] == '\0') {
        return tg_why_set(why, TG_E_INVALID, "port %s: a %s port needs a target", config->name,
                          kind->name);
    }
    if (config->queue != 0 && !kind->has_queues) {
        return tg_why_set(why, TG_E_UNSUPPORTED, "port %s: a %s port has queue 0 only",
                          config->name, kind->name);
    }
    if (kind->needs_eal && !tg_eal_is_running()) {
        return tg_why_set(why, TG_E_EAL, "port %s: a %s port needs DPDK's EAL started first",
                          config->name, kind->name);
    }
    return TG_OK;
}

enum tg_err tg_port_open(const struct tg_port_config *config, struct tg_port **port,
                         struct tg_why *why)
{
    assert(config != NULL && port != NULL);
    enum tg_err err = config_check(config, why);
    if (err != TG_OK) {
        return err;
    }
    const struct tg_port_ops *ops = kinds[config->kind].ops;
    struct tg_port *made = tg_pages_take(ops->size_bytes);
    if (made == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "port %s: no memory for %zu bytes", config->name,
                          ops->size_bytes);
    }
    made->ops = ops;
    made->size_bytes = ops->size_bytes;
    made->kind = config->kind;
    (void)snprintf(made->name, sizeof made->name, "%s", config->name);
    err = ops->open(made, config, why);
    if (err != TG_OK) {
        tg_port_close(made);
        return err;
    }
    *port = made;
    return TG_OK;
}

uint32_t tg_port_burst(struct tg_port *port, int64_t now_ns, struct tg_input *inputs,
                       uint32_t capacity)
{
    assert(capacity > 0);
    const uint32_t wanted = capacity < TG_BURST_MAX ? capacity : TG_BURST_MAX;
    const uint32_t count = port->ops->burst(port, now_ns, inputs, wanted);
    assert(count <= wanted);
    return count;
}

void tg_port_release(struct tg_port *port)
{
    port->ops->release(port);
}

void tg_port_return_path(const struct tg_port *port, uint32_t input_index,
                         struct tg_return_path *path)
{
    *path = (struct tg_return_path){.ip_version = 0};
    if (port->ops->return_path != NULL) {
        port->ops->return_path(port, input_index, path);
    }
}

enum tg_err tg_port_answer(struct tg_port *port, const struct tg_return_path *path,
                           const uint8_t *bytes, uint32_t length_bytes)
{
    enum tg_err err = TG_E_UNSUPPORTED;
    if (port->ops->answer != NULL && path->ip_version != 0) {
        err = length_bytes == 0 ? TG_E_LENGTH : port->ops->answer(port, path, bytes, length_bytes);
    }
    tg_counter_add(
        err == TG_OK ? &port->counters.answers_count : &port->counters.answers_failed_count, 1);
    return err;
}

void tg_port_position(const struct tg_port *port, struct tg_position *position)
{
    port->ops->position(port, position);
}

void tg_port_resume(struct tg_port *port, const struct tg_position *position)
{
    if (port->ops->resume != NULL) {
        port->ops->resume(port, position);
    }
}

void tg_port_durable(struct tg_port *port, const struct tg_position *position)
{
    if (port->ops->durable != NULL) {
        port->ops->durable(port, position);
    }
}

bool tg_port_is_finished(const struct tg_port *port)
{
    return port->ops->is_finished != NULL && port->ops->is_finished(port);
}

void tg_port_counters(const struct tg_port *port, struct tg_port_counters *counters)
{
    _Static_assert(sizeof *counters % sizeof(uint64_t) == 0, "counters are values of one size");
    uint64_t *to = (uint64_t *)counters;
    const uint64_t *from = (const uint64_t *)&port->counters;
    for (size_t i = 0; i < sizeof *counters / sizeof(uint64_t); i++) {
        to[i] = tg_counter_read(&from[i]);
    }
    if (port->ops->add_counters != NULL) {
        port->ops->add_counters(port, counters);
    }
}

void tg_port_close(struct tg_port *port)
{
    if (port != NULL) {
        port->ops->close(port);
        tg_pages_free(port, port->size_bytes);
    }
}

void tg_port_count_refusal(struct tg_port *port, enum tg_err reason)
{
    uint64_t *counter = &port->counters.refused_not_udp_count;
    if (reason == TG_E_FRAGMENT) {
        counter = &port->counters.refused_fragment_count;
    } else if (reason == TG_E_LENGTH) {
        counter = &port->counters.refused_length_count;
    } else if (reason == TG_E_CHECKSUM) {
        counter = &port->counters.refused_checksum_count;
    } else if (reason == TG_E_MISSING_FIELD) {
        counter = &port->counters.refused_empty_count;
    }
    tg_counter_add(counter, 1);
}
