/*
 * regexp_match.c - running the program of a regular expression over a text (see regexp.c for
 * why a machine of parallel threads).
 *
 * Invariants: a list has at most one thread per instruction; threads stand in order of
 * preference, so the first that matches ends those behind it; memory is fixed by the program's
 * length before the first character is read.
 */
#include "func/scalar/regexp_int.h"
#include "func/scalar/text_case.h"
#include "func/scalar/text_search.h"

/* Threads in order of preference; a sparse set tells in one step which instructions have one. */
typedef struct thread_list {
    uint32_t count;
    uint32_t *dense, *sparse;
    size_t *saved; /* slots of each thread, by its place in `dense` */
} thread_list;

/* What is still to do while a thread is added: visit an instruction or put back a slot. */
typedef struct pending {
    uint32_t pc;
    uint32_t slot; /* UINT32_MAX: visit pc */
    size_t old;
} pending;

typedef struct machine {
    const regexp *compiled;
    base_text text;
    uint32_t slots;
    thread_list current, next;
    pending *stack;
    size_t *slot_values;
} machine;

static bool is_word(base_text text, size_t at)
{
    char c = at < text.length ? text.data[at] : '\0';
    return (c >= '0' && c <= '9') || c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool holds(const machine *self, operation what, size_t at)
{
    bool before = at > 0 && is_word(self->text, at - 1);
    switch (what) {
    case START:
        return at == 0;
    case END:
        return at == self->text.length;
    case WORD_BORDER:
        return before != is_word(self->text, at);
    default:
        return before == is_word(self->text, at);
    }
}

static bool has_thread(const thread_list *list, uint32_t pc)
{
    uint32_t place = list->sparse[pc];
    return place < list->count && list->dense[place] == pc;
}

/* Follows jumps, splits and assertions from `pc`; every instruction that reads a character
 * becomes a thread. The stack is bounded: each instruction is visited once per position and
 * pushes at most two entries. */
static void add_thread(machine *self, thread_list *list, uint32_t pc, size_t at)
{
    uint32_t depth = 0;
    self->stack[depth++] = (pending){.pc = pc, .slot = UINT32_MAX};
    while (depth > 0) {
        pending todo = self->stack[--depth];
        if (todo.slot != UINT32_MAX) {
            self->slot_values[todo.slot] = todo.old;
            continue;
        }
        if (has_thread(list, todo.pc))
            continue;
        const instruction *step = &self->compiled->program[todo.pc];
        uint32_t place = list->count++;
        list->sparse[todo.pc] = place;
        list->dense[place] = todo.pc;
        switch ((operation)step->operation) {
        case JUMP:
            self->stack[depth++] = (pending){.pc = step->x, .slot = UINT32_MAX};
            break;
        case SPLIT:
            self->stack[depth++] = (pending){.pc = step->y, .slot = UINT32_MAX};
            self->stack[depth++] = (pending){.pc = step->x, .slot = UINT32_MAX};
            break;
        case SAVE:
            if (step->x < self->slots) {
                self->stack[depth++] =
                    (pending){.slot = step->x, .old = self->slot_values[step->x]};
                self->slot_values[step->x] = at;
            }
            self->stack[depth++] = (pending){.pc = todo.pc + 1, .slot = UINT32_MAX};
            break;
        case START:
        case END:
        case WORD_BORDER:
        case NO_WORD_BORDER:
            if (holds(self, (operation)step->operation, at))
                self->stack[depth++] = (pending){.pc = todo.pc + 1, .slot = UINT32_MAX};
            break;
        default:
            if (self->slots)
                memcpy(list->saved + (size_t)place * self->slots, self->slot_values,
                       self->slots * sizeof *self->slot_values);
            break;
        }
    }
}

static bool in_ranges(const class *set, uint32_t character)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (character >= set->ranges[i].low && character <= set->ranges[i].high)
            return true;
    }
    return false;
}

bool regexp_reads(const regexp *compiled, const instruction *step, uint32_t character)
{
    switch ((operation)step->operation) {
    case CHARACTER:
        return step->x == (compiled->ignore_case ? func_lower_character(character) : character);
    case ANY:
        return true;
    case CLASS: {
        bool found = in_ranges(step->set, character);
        if (!found && compiled->ignore_case)
            found = in_ranges(step->set, func_lower_character(character)) ||
                    in_ranges(step->set, func_upper_character(character));
        return found != step->set->negated;
    }
    default:
        return false;
    }
}

static bool make_list(thread_list *list, uint32_t length, uint32_t slots, base_arena *arena)
{
    list->count = 0;
    list->dense = base_arena_allocate_array(arena, length, sizeof *list->dense);
    list->sparse = base_arena_allocate_array(arena, length, sizeof *list->sparse);
    list->saved = base_arena_allocate_array(arena, (size_t)length * slots + 1, sizeof *list->saved);
    return list->dense && list->sparse && list->saved;
}

/* Runs the threads over one character (or the end); true when one matched and no preferred
 * one is left before it. */
static bool run_threads(machine *self, size_t at, uint32_t size, uint32_t character,
                        size_t *matched)
{
    self->next.count = 0;
    for (uint32_t i = 0; i < self->current.count; i++) {
        uint32_t pc = self->current.dense[i];
        const instruction *step = &self->compiled->program[pc];
        const size_t *saved = self->current.saved + (size_t)i * self->slots;
        if (step->operation == MATCH) {
            if (self->slots) {
                memcpy(matched, saved, self->slots * sizeof *matched);
                matched[1] = at;
            }
            return true; /* threads behind it are less preferred */
        }
        if (size == 0 || !regexp_reads(self->compiled, step, character))
            continue;
        if (self->slots)
            memcpy(self->slot_values, saved, self->slots * sizeof *saved);
        add_thread(self, &self->next, pc + 1, at + size);
    }
    return false;
}

static void search(machine *self, size_t from, bool *found, size_t *matched)
{
    *found = false;
    for (size_t at = from;;) {
        if (self->current.count == 0) {
            if (*found || (self->compiled->anchored && at > 0))
                return;
            base_text prefix = self->compiled->prefix;
            if (prefix.length) { /* skip to where a match can start */
                const char *next = func_find_bytes(self->text.data + at, self->text.length - at,
                                                   prefix.data, prefix.length);
                if (!next)
                    return;
                at = (size_t)(next - self->text.data);
            }
        }
        if (self->current.count == 0 && self->compiled->skips) {
            while (at < self->text.length &&
                   !base_bit_get(self->compiled->starts, (uint8_t)self->text.data[at]))
                at++;
            if (at == self->text.length)
                return; /* a match reads at least one character */
        }
        if (!*found) { /* a new thread starts here, after all older ones */
            for (uint32_t slot = 0; slot < self->slots; slot++)
                self->slot_values[slot] = SIZE_MAX;
            if (self->slots)
                self->slot_values[0] = at;
            add_thread(self, &self->current, 0, at);
        }
        uint32_t character = 0, size = 0;
        if (at < self->text.length)
            size = types_utf8_decode(self->text.data + at, self->text.length - at, &character);
        if (run_threads(self, at, size, character, matched)) {
            *found = true;
            if (self->slots == 0)
                return;
        }
        thread_list swap = self->current;
        self->current = self->next;
        self->next = swap;
        if (size == 0)
            return;
        at += size;
    }
}

base_status regexp_search(const regexp *compiled, base_text text, size_t from, base_arena *scratch,
                          bool *found, regexp_span *groups, uint32_t group_count, base_error *error)
{
    base_arena_mark mark = base_arena_get_mark(scratch);
    machine self = {.compiled = compiled, .text = text, .slots = 2 * group_count};
    size_t matched[2 * REGEXP_MAX_GROUPS];
    BASE_ASSERT(group_count <= REGEXP_MAX_GROUPS);
    self.stack =
        base_arena_allocate_array(scratch, 2 * (size_t)compiled->length + 2, sizeof *self.stack);
    self.slot_values = base_arena_allocate_array(scratch, self.slots + 1, sizeof *self.slot_values);
    base_status status = BASE_OK;
    if (!self.stack || !self.slot_values ||
        !make_list(&self.current, compiled->length, self.slots, scratch) ||
        !make_list(&self.next, compiled->length, self.slots, scratch))
        status = base_error_no_memory(error);
    else
        search(&self, from, found, matched);
    for (uint32_t i = 0; status == BASE_OK && *found && i < group_count; i++)
        groups[i] = (regexp_span){matched[2 * i], matched[2 * i + 1]};
    base_arena_back_to_mark(scratch, mark);
    return status;
}
