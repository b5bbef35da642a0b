/*
 * keyword.c - from a word to its keyword.
 *
 * Binary search over the sorted list: eight comparisons of short words. Plans are cached by
 * text, so that lexing is no hot path; a perfect hash would need a generator for nothing.
 *
 * Invariant: the list is sorted by bytes of the upper-case name (checked by test_lexer.c).
 */
#include "parser/keyword.h"

typedef struct keyword_entry {
    const char *name;
    uint8_t length;
    uint8_t use;
} keyword_entry;

static const keyword_entry keywords[WORD_COUNT] = {[WORD_NONE] = {"", 0, PARSER_WORD_FREE},
#define KEYWORD_ENTRY(name, use) {#name, sizeof #name - 1, PARSER_WORD_##use},
                                                   PARSER_KEYWORD_LIST(KEYWORD_ENTRY)
#undef KEYWORD_ENTRY
};

static int compare(base_text word, const keyword_entry *entry)
{
    size_t common = BASE_MIN(word.length, (size_t)entry->length);
    for (size_t i = 0; i < common; i++) {
        int difference =
            (unsigned char)base_ascii_upper(word.data[i]) - (unsigned char)entry->name[i];
        if (difference)
            return difference;
    }
    return word.length < entry->length ? -1 : word.length > entry->length;
}

parser_keyword parser_keyword_find(base_text word)
{
    uint32_t low = 1, high = WORD_COUNT;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = compare(word, &keywords[middle]);
        if (order == 0)
            return (parser_keyword)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return WORD_NONE;
}

parser_keyword_use parser_keyword_use_of(parser_keyword keyword)
{
    BASE_ASSERT(keyword < WORD_COUNT);
    return (parser_keyword_use)keywords[keyword].use;
}

const char *parser_keyword_name(parser_keyword keyword)
{
    BASE_ASSERT(keyword < WORD_COUNT);
    return keywords[keyword].name;
}
