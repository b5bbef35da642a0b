/*
 * regexp.c - regular expressions, matched in linear time.
 *
 * A pattern becomes a small program (R. Pike's machine, after K. Thompson): threads of it run
 * side by side over the text, at most one per instruction, in order of preference. So the
 * time is bounded by text times program whatever the pattern, which a library that runs
 * patterns of strangers needs; backtracking engines are exponential on (a*)*b.
 *
 * Syntax: . [a-z] [^a-z] \d \w \s \D \W \S \b \B ^ $ ( ) (?: ) | * + ? {m,n} and the lazy
 * forms, [[:alpha:]] and its kin, \n \t \r \f \v \xHH, escapes of punctuation. No back
 * references and no look-around: they do not fit the machine.
 * Among the matches that start first, the one that a backtracking matcher would find is taken
 * (Perl's preference); PostgreSQL would take the longest in some patterns.
 *
 * Limits: 20,000 instructions, groups nested 100 deep, repetition up to 1,000.
 */
#include "func/scalar/regexp_int.h"
#include "func/scalar/text_case.h"

enum {
    MOST_INSTRUCTIONS = 20000,
    DEEPEST = 100,
    MOST_REPEATS = 1000,
    MOST_STACKED = 3,     /* a{2}{3}{4}: repetitions of one atom */
    MOST_STEPS = 1000000, /* nodes visited while the program is made */
    NO_LIMIT = -1,
};

/* ---- The tree that a pattern is read into ----------------------------------------------- */

typedef enum node_kind {
    NODE_EMPTY,
    NODE_CHARACTER,
    NODE_ANY,
    NODE_CLASS,
    NODE_SEQUENCE,    /* children one after the other */
    NODE_ALTERNATIVE, /* one of the children, the first preferred */
    NODE_GROUP,       /* one child, remembered as `number` */
    NODE_REPEAT,      /* one child, `low` to `high` times */
    NODE_START,
    NODE_END,
    NODE_WORD_BORDER,
    NODE_NO_WORD_BORDER,
} node_kind;

typedef struct node {
    uint8_t kind;
    bool lazy;
    uint32_t number; /* the character, the group */
    int32_t low, high;
    class *set;
    struct node *first, *next; /* children, siblings */
} node;

/* ---- Reading a pattern ------------------------------------------------------------------- */

typedef struct reader {
    base_text pattern;
    size_t at;
    bool ignore_case;
    uint32_t groups;
    uint32_t depth;
    base_arena *arena;
    base_error *error;
} reader;

static base_status bad(reader *self, const char *what)
{
    return base_error_set(self->error, BASE_INVALID_REGEX,
                          "invalid regular expression: %s at character %zu", what,
                          types_utf8_count(self->pattern.data, self->at) + 1);
}

static bool at_end(const reader *self)
{
    return self->at >= self->pattern.length;
}

static char peek(const reader *self)
{
    return at_end(self) ? '\0' : self->pattern.data[self->at];
}

static bool accept(reader *self, char c)
{
    if (at_end(self) || self->pattern.data[self->at] != c)
        return false;
    self->at++;
    return true;
}

static uint32_t next_character(reader *self)
{
    uint32_t code_point;
    self->at += types_utf8_decode(self->pattern.data + self->at, self->pattern.length - self->at,
                                  &code_point);
    return code_point;
}

static base_status new_node(reader *self, node_kind kind, node **made)
{
    *made = base_arena_allocate_zeroed(self->arena, sizeof **made);
    if (!*made)
        return base_error_no_memory(self->error);
    (*made)->kind = (uint8_t)kind;
    return BASE_OK;
}

static base_status add_range(reader *self, class *set, uint32_t low, uint32_t high)
{
    if (set->count == set->capacity) {
        uint32_t capacity = set->capacity ? 2 * set->capacity : 8;
        range *ranges = base_arena_allocate_array(self->arena, capacity, sizeof *ranges);
        if (!ranges)
            return base_error_no_memory(self->error);
        if (set->count)
            memcpy(ranges, set->ranges, set->count * sizeof *ranges);
        set->ranges = ranges;
        set->capacity = capacity;
    }
    set->ranges[set->count++] = (range){low, high};
    return BASE_OK;
}

static const struct named_class {
    const char *name; /* in [[:name:]] */
    range ranges[4];
} named_classes[] = {
    {"alpha", {{'a', 'z'}, {'A', 'Z'}, {0xAA, 0x10FFFF}}},
    {"digit", {{'0', '9'}}},
    {"alnum", {{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {0xAA, 0x10FFFF}}},
    {"upper", {{'A', 'Z'}}},
    {"lower", {{'a', 'z'}}},
    {"space", {{' ', ' '}, {'\t', '\r'}}},
    {"blank", {{' ', ' '}, {'\t', '\t'}}},
    {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
    {"xdigit", {{'0', '9'}, {'a', 'f'}, {'A', 'F'}}},
    {"print", {{' ', '~'}, {0xA0, 0x10FFFF}}},
    {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
    {"word", {{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'_', '_'}}},
};

/* Adds a named class, or with `negated` what is not in it. */
static base_status add_named(reader *self, class *set, const char *name, bool negated)
{
    const struct named_class *found = NULL;
    for (size_t i = 0; i < BASE_COUNT_OF(named_classes); i++) {
        if (strcmp(named_classes[i].name, name) == 0)
            found = &named_classes[i];
    }
    BASE_ASSERT(found);
    uint32_t gap = 0; /* the complement: gaps between the ranges in ascending order */
    for (;;) {
        const range *lowest = NULL;
        for (uint32_t i = 0; i < BASE_COUNT_OF(found->ranges); i++) {
            const range *candidate = &found->ranges[i];
            if (candidate->high && candidate->low >= gap &&
                (!lowest || candidate->low < lowest->low))
                lowest = candidate;
        }
        if (!lowest)
            break;
        if (!negated)
            RETURN_IF_ERROR(add_range(self, set, lowest->low, lowest->high));
        else if (lowest->low > gap)
            RETURN_IF_ERROR(add_range(self, set, gap, lowest->low - 1));
        gap = lowest->high + 1;
    }
    if (negated && gap <= 0x10FFFF)
        RETURN_IF_ERROR(add_range(self, set, gap, 0x10FFFF));
    return BASE_OK;
}

/* \d \w \s and their opposites; false when the letter is none of them. */
static const char *class_of_letter(char letter, bool *negated)
{
    *negated = letter >= 'A' && letter <= 'Z';
    switch (letter | 0x20) {
    case 'd':
        return "digit";
    case 'w':
        return "word";
    case 's':
        return "space";
    default:
        return NULL;
    }
}

/* The character of an escape whose backslash is read. */
static base_status read_escape(reader *self, uint32_t *character)
{
    if (at_end(self))
        return bad(self, "a backslash ends the pattern");
    uint32_t c = next_character(self);
    switch (c) {
    case 'n':
        *character = '\n';
        return BASE_OK;
    case 't':
        *character = '\t';
        return BASE_OK;
    case 'r':
        *character = '\r';
        return BASE_OK;
    case 'f':
        *character = '\f';
        return BASE_OK;
    case 'v':
        *character = '\v';
        return BASE_OK;
    case 'x': {
        uint32_t digits = 0;
        *character = 0;
        for (; digits < 2 && !at_end(self); digits++) {
            char d = peek(self);
            uint32_t digit =
                d >= '0' && d <= '9' ? (uint32_t)(d - '0') : (uint32_t)((d | 0x20) - 'a') + 10;
            if (digit > 15)
                break;
            *character = *character * 16 + digit;
            self->at++;
        }
        return digits ? BASE_OK : bad(self, "\\x without hexadecimal digits");
    }
    default:
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
            return bad(self, "unknown escape");
        *character = c;
        return BASE_OK;
    }
}

/* [:name:] inside brackets, at the colon. */
static base_status read_named_class(reader *self, class *set)
{
    for (size_t i = 0; i < BASE_COUNT_OF(named_classes); i++) {
        size_t length = strlen(named_classes[i].name);
        if (self->pattern.length - self->at >= length + 3 &&
            memcmp(self->pattern.data + self->at + 1, named_classes[i].name, length) == 0 &&
            memcmp(self->pattern.data + self->at + 1 + length, ":]", 2) == 0) {
            self->at += length + 3;
            return add_named(self, set, named_classes[i].name, false);
        }
    }
    return bad(self, "unknown character class");
}

static base_status read_class_item(reader *self, class *set)
{
    uint32_t low, high;
    if (peek(self) == '[' && self->at + 1 < self->pattern.length &&
        self->pattern.data[self->at + 1] == ':') {
        self->at++;
        return read_named_class(self, set);
    }
    if (accept(self, '\\')) {
        bool negated;
        const char *name = class_of_letter(peek(self), &negated);
        if (name) {
            self->at++;
            return add_named(self, set, name, negated);
        }
        RETURN_IF_ERROR(read_escape(self, &low));
    } else {
        low = next_character(self);
    }
    high = low;
    bool is_range = peek(self) == '-' && self->at + 1 < self->pattern.length &&
                    self->pattern.data[self->at + 1] != ']';
    if (is_range) {
        self->at++;
        if (accept(self, '\\'))
            RETURN_IF_ERROR(read_escape(self, &high));
        else
            high = next_character(self);
        if (high < low)
            return bad(self, "a range runs backwards");
    }
    return add_range(self, set, low, high);
}

static base_status read_brackets(reader *self, node **made)
{
    RETURN_IF_ERROR(new_node(self, NODE_CLASS, made));
    class *set = base_arena_allocate_zeroed(self->arena, sizeof *set);
    if (!set)
        return base_error_no_memory(self->error);
    (*made)->set = set;
    set->negated = accept(self, '^');
    for (bool first = true; first || peek(self) != ']'; first = false) {
        if (at_end(self))
            return bad(self, "a bracket is not closed");
        RETURN_IF_ERROR(read_class_item(self, set));
    }
    self->at++;
    return BASE_OK;
}

static base_status read_alternatives(reader *self, node **made);

static base_status read_group(reader *self, node **made)
{
    bool remembered = true;
    if (peek(self) == '?') {
        self->at++;
        if (!accept(self, ':'))
            return bad(self, "only (?: ) is known of the (? forms");
        remembered = false;
    }
    if (++self->depth > DEEPEST)
        return base_error_set(self->error, BASE_LIMIT,
                              "regular expression is nested deeper than %d", DEEPEST);
    uint32_t number = 0;
    if (remembered) {
        if (self->groups == REGEXP_MAX_GROUPS)
            return base_error_set(self->error, BASE_LIMIT,
                                  "regular expression has more than %d groups",
                                  REGEXP_MAX_GROUPS - 1);
        number = self->groups++;
    }
    node *inner;
    RETURN_IF_ERROR(read_alternatives(self, &inner));
    if (!accept(self, ')'))
        return bad(self, "a parenthesis is not closed");
    self->depth--;
    *made = inner;
    if (remembered) {
        RETURN_IF_ERROR(new_node(self, NODE_GROUP, made));
        (*made)->number = number;
        (*made)->first = inner;
    }
    return BASE_OK;
}

static base_status read_backslash(reader *self, node **made)
{
    bool negated;
    char letter = peek(self);
    const char *name = class_of_letter(letter, &negated);
    if (name) {
        self->at++;
        RETURN_IF_ERROR(new_node(self, NODE_CLASS, made));
        (*made)->set = base_arena_allocate_zeroed(self->arena, sizeof(class));
        if (!(*made)->set)
            return base_error_no_memory(self->error);
        return add_named(self, (*made)->set, name, negated);
    }
    if (letter == 'b' || letter == 'B' || letter == 'y' || letter == 'Y') {
        /* \y is PostgreSQL's spelling. */
        self->at++;
        return new_node(
            self, letter == 'b' || letter == 'y' ? NODE_WORD_BORDER : NODE_NO_WORD_BORDER, made);
    }
    if (letter == 'A' || letter == 'Z' || letter == 'z') {
        self->at++;
        return new_node(self, letter == 'A' ? NODE_START : NODE_END, made);
    }
    RETURN_IF_ERROR(new_node(self, NODE_CHARACTER, made));
    return read_escape(self, &(*made)->number);
}

static base_status read_atom(reader *self, node **made)
{
    if (accept(self, '('))
        return read_group(self, made);
    if (accept(self, '['))
        return read_brackets(self, made);
    if (accept(self, '.'))
        return new_node(self, NODE_ANY, made);
    if (accept(self, '^'))
        return new_node(self, NODE_START, made);
    if (accept(self, '$'))
        return new_node(self, NODE_END, made);
    if (accept(self, '\\'))
        return read_backslash(self, made);
    if (peek(self) == '*' || peek(self) == '+' || peek(self) == '?')
        return bad(self, "nothing to repeat");
    RETURN_IF_ERROR(new_node(self, NODE_CHARACTER, made));
    (*made)->number = next_character(self);
    return BASE_OK;
}

static bool read_count(reader *self, int32_t *count)
{
    size_t start = self->at;
    *count = 0;
    while (peek(self) >= '0' && peek(self) <= '9' && *count <= MOST_REPEATS)
        *count = *count * 10 + (self->pattern.data[self->at++] - '0');
    return self->at > start;
}

/* {m}, {m,}, {m,n} behind the brace. A brace that begins no count stands for itself. */
static base_status read_braces(reader *self, int32_t *low, int32_t *high, bool *is_count)
{
    size_t start = self->at;
    *is_count = false;
    if (!read_count(self, low)) {
        self->at = start;
        return BASE_OK;
    }
    *high = *low;
    if (accept(self, ',') && !read_count(self, high))
        *high = NO_LIMIT;
    if (!accept(self, '}')) {
        self->at = start;
        return BASE_OK;
    }
    *is_count = true;
    if (*low > MOST_REPEATS || *high > MOST_REPEATS)
        return bad(self, "a repetition is above 1000");
    if (*high != NO_LIMIT && *high < *low)
        return bad(self, "a repetition runs backwards");
    return BASE_OK;
}

static base_status read_repeated(reader *self, node **made)
{
    RETURN_IF_ERROR(read_atom(self, made));
    for (uint32_t repeats = 0;; repeats++) {
        int32_t low = 0, high = NO_LIMIT;
        bool is_count = true;
        if (accept(self, '+')) {
            low = 1;
        } else if (accept(self, '?')) {
            high = 1;
        } else if (peek(self) == '{') {
            self->at++;
            RETURN_IF_ERROR(read_braces(self, &low, &high, &is_count));
            if (!is_count) {
                self->at--;
                /* A plain brace: read it as the next atom, which read_atom takes. */
                return BASE_OK;
            }
        } else if (!accept(self, '*')) {
            return BASE_OK;
        }
        if (repeats == MOST_STACKED)
            return bad(self, "too many repetitions of one atom");
        node *inner = *made;
        RETURN_IF_ERROR(new_node(self, NODE_REPEAT, made));
        (*made)->first = inner;
        (*made)->low = low;
        (*made)->high = high;
        (*made)->lazy = accept(self, '?');
    }
}

static base_status read_sequence(reader *self, node **made)
{
    RETURN_IF_ERROR(new_node(self, NODE_SEQUENCE, made));
    node **link = &(*made)->first;
    while (!at_end(self) && peek(self) != '|' && peek(self) != ')') {
        RETURN_IF_ERROR(read_repeated(self, link));
        link = &(*link)->next;
    }
    return BASE_OK;
}

static base_status read_alternatives(reader *self, node **made)
{
    RETURN_IF_ERROR(new_node(self, NODE_ALTERNATIVE, made));
    node **link = &(*made)->first;
    do {
        RETURN_IF_ERROR(read_sequence(self, link));
        link = &(*link)->next;
    } while (accept(self, '|'));
    return BASE_OK;
}

/* ---- Making the program ------------------------------------------------------------------ */

typedef struct writer {
    instruction *program;
    uint32_t length, capacity;
    uint32_t steps; /* repetitions of nothing grow no program, but take time */
    bool ignore_case;
    base_arena *arena;
    base_error *error;
} writer;

static base_status emit(writer *self, instruction made, uint32_t *at)
{
    if (self->length == MOST_INSTRUCTIONS)
        return base_error_set(self->error, BASE_LIMIT, "regular expression is too large");
    if (self->length == self->capacity) {
        uint32_t capacity = self->capacity ? 2 * self->capacity : 32;
        instruction *program = base_arena_allocate_array(self->arena, capacity, sizeof *program);
        if (!program)
            return base_error_no_memory(self->error);
        if (self->length)
            memcpy(program, self->program, self->length * sizeof *program);
        self->program = program;
        self->capacity = capacity;
    }
    if (at)
        *at = self->length;
    self->program[self->length++] = made;
    return BASE_OK;
}

static base_status emit_node(writer *self, const node *tree);

static base_status emit_simple(writer *self, operation what, uint32_t x, const class *set)
{
    return emit(self, (instruction){.operation = (uint8_t)what, .x = x, .set = set}, NULL);
}

/* Points a SPLIT's preferred and other branch; lazy ones prefer to leave. */
static void set_split(writer *self, uint32_t at, uint32_t enter, uint32_t leave, bool lazy)
{
    self->program[at].x = lazy ? leave : enter;
    self->program[at].y = lazy ? enter : leave;
}

static base_status emit_repeat(writer *self, const node *tree)
{
    uint32_t at;
    for (int32_t i = 0; i < tree->low; i++)
        RETURN_IF_ERROR(emit_node(self, tree->first));
    if (tree->high == NO_LIMIT) {
        RETURN_IF_ERROR(emit(self, (instruction){.operation = SPLIT}, &at));
        RETURN_IF_ERROR(emit_node(self, tree->first));
        RETURN_IF_ERROR(emit_simple(self, JUMP, at, NULL));
        set_split(self, at, at + 1, self->length, tree->lazy);
        return BASE_OK;
    }
    /* x? as often as may be: each one can leave to the end. */
    uint32_t optional = (uint32_t)(tree->high - tree->low), chain = UINT32_MAX;
    for (uint32_t i = 0; i < optional; i++) {
        RETURN_IF_ERROR(emit(self, (instruction){.operation = SPLIT}, &at));
        self->program[at].y = chain; /* linked until the end is known */
        chain = at;
        RETURN_IF_ERROR(emit_node(self, tree->first));
    }
    while (chain != UINT32_MAX) {
        uint32_t before = self->program[chain].y;
        set_split(self, chain, chain + 1, self->length, tree->lazy);
        chain = before;
    }
    return BASE_OK;
}

static base_status emit_alternatives(writer *self, const node *tree)
{
    uint32_t chain = UINT32_MAX, split, jump;
    for (const node *child = tree->first; child; child = child->next) {
        if (!child->next) {
            RETURN_IF_ERROR(emit_node(self, child));
            break;
        }
        RETURN_IF_ERROR(emit(self, (instruction){.operation = SPLIT}, &split));
        RETURN_IF_ERROR(emit_node(self, child));
        RETURN_IF_ERROR(emit(self, (instruction){.operation = JUMP, .x = chain}, &jump));
        chain = jump;
        set_split(self, split, split + 1, self->length, false);
    }
    while (chain != UINT32_MAX) {
        uint32_t before = self->program[chain].x;
        self->program[chain].x = self->length;
        chain = before;
    }
    return BASE_OK;
}

static base_status emit_node(writer *self, const node *tree)
{
    if (++self->steps > MOST_STEPS)
        return base_error_set(self->error, BASE_LIMIT, "regular expression is too large");
    switch ((node_kind)tree->kind) {
    case NODE_EMPTY:
        return BASE_OK;
    case NODE_CHARACTER:
        return emit_simple(self, CHARACTER,
                           self->ignore_case ? func_lower_character(tree->number) : tree->number,
                           NULL);
    case NODE_ANY:
        return emit_simple(self, ANY, 0, NULL);
    case NODE_CLASS:
        return emit_simple(self, CLASS, 0, tree->set);
    case NODE_SEQUENCE:
        for (const node *child = tree->first; child; child = child->next)
            RETURN_IF_ERROR(emit_node(self, child));
        return BASE_OK;
    case NODE_ALTERNATIVE:
        return emit_alternatives(self, tree);
    case NODE_GROUP:
        RETURN_IF_ERROR(emit_simple(self, SAVE, 2 * tree->number, NULL));
        RETURN_IF_ERROR(emit_node(self, tree->first));
        return emit_simple(self, SAVE, 2 * tree->number + 1, NULL);
    case NODE_REPEAT:
        return emit_repeat(self, tree);
    case NODE_START:
        return emit_simple(self, START, 0, NULL);
    case NODE_END:
        return emit_simple(self, END, 0, NULL);
    case NODE_WORD_BORDER:
        return emit_simple(self, WORD_BORDER, 0, NULL);
    case NODE_NO_WORD_BORDER:
        return emit_simple(self, NO_WORD_BORDER, 0, NULL);
    }
    return BASE_OK;
}

/* The characters that the program begins with, as bytes. */
static base_status find_prefix(regexp *made, base_arena *arena, base_error *error)
{
    uint32_t count = 0;
    made->prefix = (base_text){"", 0};
    while (!made->ignore_case && made->program[count].operation == CHARACTER)
        count++;
    /* A jump back into the prefix (a+) is harmless: the first round passes through it. */
    char *bytes = base_arena_allocate(arena, 4 * (size_t)count + 1);
    if (!bytes)
        return base_error_no_memory(error);
    size_t length = 0;
    for (uint32_t i = 0; i < count; i++)
        length += types_utf8_encode(made->program[i].x, bytes + length);
    made->prefix = (base_text){bytes, length};
    return BASE_OK;
}

/* Sets the bytes that the characters read by an instruction can start with. */
static void add_starts(regexp *made, const instruction *step)
{
    if (step->operation == CHARACTER && !made->ignore_case) {
        char bytes[4];
        (void)types_utf8_encode(step->x, bytes);
        base_bit_set(made->starts, (uint8_t)bytes[0]);
        return;
    }
    for (uint32_t byte = 0; byte < 0x80; byte++) {
        if (regexp_reads(made, step, byte))
            base_bit_set(made->starts, byte);
    }
    made->starts[2] = made->starts[3] = UINT64_MAX; /* not worth a closer look */
}

/* Follows the program from its start to the instructions that read a first character. */
static base_status find_starts(regexp *made, base_arena *arena, base_error *error)
{
    bool *seen = base_arena_allocate_array(arena, made->length, sizeof *seen);
    uint32_t *stack = base_arena_allocate_array(arena, made->length, sizeof *stack);
    uint32_t depth = 0;
    if (!seen || !stack)
        return base_error_no_memory(error);
    made->skips = true;
    stack[depth++] = 0;
    seen[0] = true;
    while (depth > 0) {
        uint32_t pc = stack[--depth], next[2], count = 0;
        const instruction *step = &made->program[pc];
        switch ((operation)step->operation) {
        case MATCH: /* the empty text matches: anywhere */
            made->skips = false;
            return BASE_OK;
        case CHARACTER:
        case ANY:
        case CLASS:
            add_starts(made, step);
            break;
        case SPLIT:
            next[count++] = step->y;
            next[count++] = step->x;
            break;
        case JUMP:
            next[count++] = step->x;
            break;
        default: /* what an assertion asks for is not looked at here */
            next[count++] = pc + 1;
            break;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (!seen[next[i]]) {
                seen[next[i]] = true;
                stack[depth++] = next[i];
            }
        }
    }
    return BASE_OK;
}

base_status regexp_compile(base_text pattern, bool ignore_case, base_arena *arena,
                           const regexp **compiled, base_error *error)
{
    reader in = {.pattern = pattern,
                 .ignore_case = ignore_case,
                 .groups = 1,
                 .arena = arena,
                 .error = error};
    node *tree;
    RETURN_IF_ERROR(read_alternatives(&in, &tree));
    if (!at_end(&in))
        return bad(&in, "a parenthesis is not open");
    writer out = {.ignore_case = ignore_case, .arena = arena, .error = error};
    RETURN_IF_ERROR(emit_node(&out, tree));
    RETURN_IF_ERROR(emit_simple(&out, MATCH, 0, NULL));
    regexp *made = base_arena_allocate(arena, sizeof *made);
    if (!made)
        return base_error_no_memory(error);
    *made = (regexp){.program = out.program,
                     .length = out.length,
                     .groups = in.groups,
                     .ignore_case = ignore_case};
    made->anchored = out.program[0].operation == START;
    RETURN_IF_ERROR(find_prefix(made, arena, error));
    RETURN_IF_ERROR(find_starts(made, arena, error));
    *compiled = made;
    return BASE_OK;
}

uint32_t regexp_group_count(const regexp *compiled)
{
    return compiled->groups;
}
