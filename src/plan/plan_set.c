/*
 * plan_set.c - sets of column numbers as bitmaps.
 *
 * Column numbers of a statement are small and dense, so a bitmap is both the smallest and
 * the fastest form; sets are made by the thousand during join ordering. They grow in the
 * arena and never shrink; the words left behind by growth go with the arena.
 *
 * Invariants: bits beyond word_count * 64 are absent; an all-zero struct with its arena
 * set is the empty set.
 */
#include "plan/plan.h"

bool plan_set_add(plan_column_set *set, plan_column column)
{
    BASE_ASSERT(column >= 0);
    uint32_t word = (uint32_t)column / 64;
    if (word >= set->word_count) {
        uint32_t count = BASE_MAX(word + 1, set->word_count * 2);
        uint64_t *words = base_arena_allocate_array(set->arena, count, sizeof *words);
        if (!words)
            return false;
        if (set->word_count)
            memcpy(words, set->words, set->word_count * sizeof *words);
        set->words = words;
        set->word_count = count;
    }
    base_bit_set(set->words, (size_t)column);
    return true;
}

void plan_set_remove(plan_column_set *set, plan_column column)
{
    if (plan_set_has(set, column))
        base_bit_clear(set->words, (size_t)column);
}

bool plan_set_has(const plan_column_set *set, plan_column column)
{
    return column >= 0 && (uint32_t)column / 64 < set->word_count &&
           base_bit_get(set->words, (size_t)column);
}

bool plan_set_is_empty(const plan_column_set *set)
{
    for (uint32_t i = 0; i < set->word_count; i++)
        if (set->words[i])
            return false;
    return true;
}

bool plan_set_add_all(plan_column_set *set, const plan_column_set *more)
{
    for (uint32_t i = 0; i < more->word_count; i++)
        for (uint64_t word = more->words[i]; word; word &= word - 1)
            if (!plan_set_add(set, (plan_column)(i * 64 + (uint32_t)__builtin_ctzll(word))))
                return false;
    return true;
}

bool plan_set_contains(const plan_column_set *outer, const plan_column_set *inner)
{
    for (uint32_t i = 0; i < inner->word_count; i++) {
        uint64_t present = i < outer->word_count ? outer->words[i] : 0;
        if (inner->words[i] & ~present)
            return false;
    }
    return true;
}

bool plan_set_intersects(const plan_column_set *a, const plan_column_set *b)
{
    uint32_t count = BASE_MIN(a->word_count, b->word_count);
    for (uint32_t i = 0; i < count; i++)
        if (a->words[i] & b->words[i])
            return true;
    return false;
}
