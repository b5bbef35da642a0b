/*
 * codec_table.c - the list of codecs and the choice among them.
 *
 * The choice is exact where it is cheap: every codec says what it would write, and the
 * smallest wins. Sampling was rejected for integers, whose estimate is one pass anyway; the
 * string codecs sample by themselves.
 */
#include "store/col/codec/codec.h"

static const codec *const codec_table[] = {
    &codec_constant, &codec_packed, &codec_dictionary, &codec_fsst, &codec_plain,
};

const codec *codec_find(uint32_t id)
{
    for (size_t i = 0; i < BASE_COUNT_OF(codec_table); i++) {
        if (codec_table[i]->id == id)
            return codec_table[i];
    }
    return NULL;
}

base_status codec_choose(const codec_input *input, const codec **chosen, void **plan,
                         base_error *error)
{
    size_t smallest = SIZE_MAX;
    BASE_ASSERT(input->count >= 1 && input->count <= CODEC_MAX_COUNT);
    *chosen = NULL;
    for (size_t i = 0; i < BASE_COUNT_OF(codec_table); i++) {
        size_t bytes;
        void *made = NULL;
        RETURN_IF_ERROR(codec_table[i]->estimate(input, &made, &bytes, error));
        if (bytes < smallest) {
            smallest = bytes;
            *chosen = codec_table[i];
            *plan = made;
        }
        /* Nothing is smaller than a constant; and no string codec beats a dictionary of two
         * bytes a value or less, so the dear training of one is saved. */
        if (bytes != SIZE_MAX &&
            (codec_table[i]->id == CODEC_CONSTANT ||
             (codec_table[i]->id == CODEC_DICTIONARY && bytes <= (size_t)input->count * 2)))
            break;
    }
    BASE_ASSERT(*chosen); /* plain takes everything */
    return BASE_OK;
}
