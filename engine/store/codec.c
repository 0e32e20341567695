/* SPDX-License-Identifier: Apache-2.0 */
/* zstd behind two functions, with all its memory taken when it is opened. */
#define ZSTD_STATIC_LINKING_ONLY
#include "store/columns.h"

#include <zstd.h>

#include "base/arena.h"
#include "base/error.h"

struct tg_codec {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    size_t bytes_max;
    size_t memory_bytes;
    int level;
};

static size_t align_64(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

enum tg_err tg_codec_open(int level, size_t bytes_max, struct tg_codec **codec, struct tg_why *why)
{
    *codec = NULL;
    if (level < TG_CODEC_LEVEL_MIN || level > TG_CODEC_LEVEL_MAX) {
        return tg_why_set(why, TG_E_INVALID, "zstd level %d is not in %d..%d", level,
                          TG_CODEC_LEVEL_MIN, TG_CODEC_LEVEL_MAX);
    }
    /* A static context never grows or shrinks: no allocation per block, whatever zstd feels like.
     */
    const size_t self_bytes = align_64(sizeof(struct tg_codec));
    const size_t in_bytes = level != 0 ? align_64(ZSTD_estimateCCtxSize(level)) : 0;
    const size_t out_bytes = align_64(ZSTD_estimateDCtxSize());
    const size_t wanted = self_bytes + in_bytes + out_bytes;
    /* The journal's writer must not wait for pages; who only reads may. */
    uint8_t *memory = level != 0 ? tg_pages_take(wanted) : tg_pages_reserve(wanted);
    if (memory == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "no memory for a compressor");
    }
    struct tg_codec *made = (struct tg_codec *)memory;
    if (level != 0) {
        made->compressor = ZSTD_initStaticCCtx(memory + self_bytes, in_bytes);
    }
    made->decompressor = ZSTD_initStaticDCtx(memory + self_bytes + in_bytes, out_bytes);
    made->memory_bytes = wanted;
    made->bytes_max = bytes_max;
    made->level = level;
    if ((level != 0 && made->compressor == NULL) || made->decompressor == NULL) {
        tg_codec_close(made);
        return tg_why_set(why, TG_E_NO_MEMORY, "zstd refused its memory");
    }
    *codec = made;
    return TG_OK;
}

void tg_codec_close(struct tg_codec *codec)
{
    if (codec != NULL) {
        tg_pages_free(codec, codec->memory_bytes);
    }
}

size_t tg_codec_bound(size_t length_bytes)
{
    return ZSTD_compressBound(length_bytes);
}

size_t tg_codec_compress(struct tg_codec *codec, const void *bytes, size_t length_bytes, void *out,
                         size_t capacity_bytes)
{
    if (length_bytes == 0 || length_bytes > codec->bytes_max || codec->compressor == NULL) {
        return 0;
    }
    const size_t stored = ZSTD_compressCCtx(codec->compressor, out, capacity_bytes, bytes,
                                            length_bytes, codec->level);
    return ZSTD_isError(stored) != 0 || stored >= length_bytes ? 0 : stored;
}

enum tg_err tg_codec_decompress(struct tg_codec *codec, const void *bytes, size_t length_bytes,
                                void *out, size_t plain_bytes)
{
    const size_t got =
        ZSTD_decompressDCtx(codec->decompressor, out, plain_bytes, bytes, length_bytes);
    return ZSTD_isError(got) == 0 && got == plain_bytes ? TG_OK : TG_E_CORRUPT;
}
