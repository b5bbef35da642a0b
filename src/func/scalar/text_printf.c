/*
 * text_printf.c - printf and format: text by a format, in the spellings of C and SQLite (%d
 * %5.2f %s %q) and of PostgreSQL (%s %I %L, %2$s).
 *
 * The conversions of numbers are laid out here from their digits: libc's printf would take its
 * decimal point from the process's locale. Exponents (%e, %g) go through the shortest text of a
 * float, rounded to the precision that is asked for.
 * What an argument is not it is cast to, as CAST does; a missing argument is NULL, which prints
 * as nothing (%s), 0 (numbers) or NULL (%L, %Q).
 */
#include "func/func_int.h"

typedef struct directive {
    bool left, zeros, plus, blank, commas, alternate;
    int32_t width, precision; /* -1: not given */
    uint32_t argument;        /* 0: the next one */
    char letter;
} directive;

typedef struct printer {
    func_call *call;
    const types_cell *arguments;
    const bool *nulls;
    uint32_t next; /* argument */
    base_buffer out;
    base_error *error;
} printer;

enum {
    WIDEST = 1000000,
};

static base_status bad_format(printer *self, const char *what)
{
    return base_error_set(self->error, BASE_INVALID_PARAMETER, "format: %s", what);
}

static int32_t read_number(base_text format, size_t *at)
{
    int32_t number = 0;
    while (*at < format.length && format.data[*at] >= '0' && format.data[*at] <= '9') {
        number = BASE_MIN(number * 10 + (format.data[*at] - '0'), WIDEST);
        ++*at;
    }
    return number;
}

/* The next argument as a value; false: there is none, or it is NULL. */
static bool take_argument(printer *self, uint32_t number, types_value *value)
{
    uint32_t index = number ? number : self->next++;
    if (index >= self->call->argument_count || self->nulls[index])
        return false;
    *value =
        (types_value){.type = self->call->argument_types[index], .cell = self->arguments[index]};
    return true;
}

static base_status read_star(printer *self, int32_t *number)
{
    types_value value;
    *number = 0;
    if (!take_argument(self, 0, &value))
        return BASE_OK;
    RETURN_IF_ERROR(types_cast(&value, TYPES_OF(INTEGER), self->call->heap, &value, self->error));
    *number = (int32_t)BASE_MIN(BASE_MAX(value.cell.int64, -WIDEST), WIDEST);
    return BASE_OK;
}

static base_status read_directive(printer *self, base_text format, size_t *at, directive *out)
{
    *out = (directive){.width = 0, .precision = -1};
    size_t start = *at;
    int32_t position = read_number(format, at);
    if (*at > start && *at < format.length && format.data[*at] == '$') {
        if (position == 0)
            return bad_format(self, "argument positions begin at 1");
        out->argument = (uint32_t)position;
        ++*at;
    } else {
        *at = start;
    }
    for (; *at < format.length; ++*at) {
        char c = format.data[*at];
        if (c == '-')
            out->left = true;
        else if (c == '0')
            out->zeros = true;
        else if (c == '+')
            out->plus = true;
        else if (c == ' ')
            out->blank = true;
        else if (c == ',')
            out->commas = true;
        else if (c == '#' || c == '!')
            out->alternate = true;
        else
            break;
    }
    if (*at < format.length && format.data[*at] == '*') {
        ++*at;
        RETURN_IF_ERROR(read_star(self, &out->width));
        out->left |= out->width < 0;
        out->width = out->width < 0 ? -out->width : out->width;
    } else {
        out->width = read_number(format, at);
    }
    if (*at < format.length && format.data[*at] == '.') {
        ++*at;
        if (*at < format.length && format.data[*at] == '*') {
            ++*at;
            RETURN_IF_ERROR(read_star(self, &out->precision));
        } else {
            out->precision = read_number(format, at);
        }
    }
    while (*at < format.length && format.data[*at] == 'l') /* C's lengths mean nothing here */
        ++*at;
    if (*at == format.length)
        return bad_format(self, "the text ends within a directive");
    out->letter = format.data[(*at)++];
    return BASE_OK;
}

/* ---- Laying out ------------------------------------------------------------------------- */

static void put_fill(printer *self, int64_t count, char fill)
{
    for (; count > 0; count--)
        base_buffer_append_byte(&self->out, fill);
}

/* Text of `characters` characters in its field. */
static void put_text(printer *self, const directive *how, const char *text, size_t length)
{
    if (how->precision >= 0)
        length = types_utf8_offset(text, length, (size_t)how->precision);
    int64_t missing = how->width - (int64_t)types_utf8_count(text, length);
    if (!how->left)
        put_fill(self, missing, ' ');
    base_buffer_append(&self->out, text, length);
    if (how->left)
        put_fill(self, missing, ' ');
}

/* Sign, zeros, digits (with commas before the point when asked for). */
static void put_number(printer *self, const directive *how, bool negative, const char *digits,
                       size_t length)
{
    char sign = negative ? '-' : how->plus ? '+' : how->blank ? ' ' : '\0';
    size_t whole = 0;
    while (whole < length && digits[whole] >= '0' && digits[whole] <= '9')
        whole++;
    size_t commas = how->commas && whole > 0 ? (whole - 1) / 3 : 0;
    int64_t missing = how->width - (int64_t)(length + commas + (sign != '\0'));
    bool zeros = how->zeros && !how->left;
    if (!how->left && !zeros)
        put_fill(self, missing, ' ');
    if (sign)
        base_buffer_append_byte(&self->out, sign);
    if (zeros)
        put_fill(self, missing, '0');
    for (size_t i = 0; i < length; i++) {
        base_buffer_append_byte(&self->out, digits[i]);
        if (commas && i + 1 < whole && (whole - 1 - i) % 3 == 0)
            base_buffer_append_byte(&self->out, ',');
    }
    if (how->left)
        put_fill(self, missing, ' ');
}

static base_status put_integer(printer *self, const directive *how, const types_value *value)
{
    types_value number;
    RETURN_IF_ERROR(types_cast(value, TYPES_OF(INTEGER), self->call->heap, &number, self->error));
    uint64_t magnitude = (uint64_t)number.cell.int64;
    bool is_signed = how->letter == 'd' || how->letter == 'i';
    bool negative = is_signed && number.cell.int64 < 0;
    if (negative)
        magnitude = 0 - magnitude;
    uint32_t base = how->letter == 'x' || how->letter == 'X' ? 16 : how->letter == 'o' ? 8 : 10;
    const char *alphabet = how->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[72];
    size_t at = sizeof digits;
    do {
        digits[--at] = alphabet[magnitude % base];
        magnitude /= base;
    } while (magnitude);
    /* A precision is a least number of digits. */
    while ((int32_t)(sizeof digits - at) < how->precision && at > 0)
        digits[--at] = '0';
    put_number(self, how, negative, digits + at, sizeof digits - at);
    return BASE_OK;
}

/* Digits of |number| rounded half away from zero to `count` significant ones; *point is where
 * the decimal point stands, counted from the first digit. */
static void significant_digits(double number, int32_t count, char digits[20], int32_t *point)
{
    types_value value = {.type = TYPES_OF(FLOAT), .cell.float64 = fabs(number)};
    char text[40];
    base_buffer buffer = {.data = text, .capacity = sizeof text};
    types_format(&value, &buffer); /* shortest: at most 17 digits */
    int32_t length = 0, exponent = 0;
    bool after_point = false;
    *point = 0;
    for (size_t i = 0; i < buffer.length; i++) {
        char c = text[i];
        if (c == 'e') {
            bool negative = text[i + 1] == '-';
            for (i += 2; i < buffer.length; i++)
                exponent = exponent * 10 + (text[i] - '0');
            exponent = negative ? -exponent : exponent;
        } else if (c == '.') {
            after_point = true;
        } else {
            if (length > 0 || c != '0') {
                if (length < 19)
                    digits[length++] = c;
                *point += !after_point;
            } else {
                *point -= after_point;
            }
        }
    }
    *point += exponent;
    if (length == 0) { /* zero */
        digits[length++] = '0';
        *point = 1;
    }
    bool round_up = count < length && digits[count < 0 ? 0 : count] >= '5' && count >= 0;
    for (; length < 19; length++)
        digits[length] = '0';
    int32_t kept = BASE_MIN(BASE_MAX(count, 0), 19);
    memset(digits + kept, '0', (size_t)(19 - kept));
    for (int32_t i = kept - 1; round_up && i >= 0; i--) {
        round_up = digits[i] == '9';
        digits[i] = (char)(round_up ? '0' : digits[i] + 1);
    }
    if (round_up) { /* 9.99 became 10.0 */
        memmove(digits + 1, digits, 18);
        digits[0] = '1';
        ++*point;
    }
    digits[19] = '\0';
}

static void append_digit_at(base_buffer *out, const char digits[20], int32_t place)
{
    base_buffer_append_byte(out, place >= 0 && place < 19 ? digits[place] : '0');
}

static void lay_out_fixed(base_buffer *out, double number, int32_t precision)
{
    char digits[20];
    int32_t point;
    significant_digits(number, 17, digits, &point);
    significant_digits(number, point + precision, digits, &point);
    if (point <= 0)
        base_buffer_append_byte(out, '0');
    for (int32_t place = 0; place < point; place++)
        append_digit_at(out, digits, place);
    if (precision > 0)
        base_buffer_append_byte(out, '.');
    for (int32_t place = point; place < point + precision; place++)
        append_digit_at(out, digits, place);
}

static void lay_out_exponent(base_buffer *out, double number, int32_t precision, bool upper)
{
    char digits[20];
    int32_t point;
    significant_digits(number, precision + 1, digits, &point);
    base_buffer_append_byte(out, digits[0]);
    if (precision > 0)
        base_buffer_append_byte(out, '.');
    for (int32_t place = 1; place <= precision; place++)
        append_digit_at(out, digits, place);
    int32_t exponent = number == 0 ? 0 : point - 1;
    base_buffer_append_format(out, "%c%c%02d", upper ? 'E' : 'e', exponent < 0 ? '-' : '+',
                              exponent < 0 ? -exponent : exponent);
}

/* %g: as %e or %f with so many significant digits, without zeros at the end. */
static void lay_out_general(base_buffer *out, double number, int32_t precision, bool upper)
{
    char digits[20];
    int32_t point;
    precision = precision == 0 ? 1 : precision;
    significant_digits(number, precision, digits, &point);
    int32_t used = BASE_MIN(precision, 19);
    while (used > 1 && digits[used - 1] == '0')
        used--;
    if (number != 0 && (point - 1 < -4 || point - 1 >= precision))
        lay_out_exponent(out, number, used - 1, upper);
    else
        lay_out_fixed(out, number, BASE_MAX(used - point, 0));
}

static base_status put_float(printer *self, const directive *how, const types_value *value)
{
    types_value number;
    RETURN_IF_ERROR(types_cast(value, TYPES_OF(FLOAT), self->call->heap, &number, self->error));
    double real = number.cell.float64;
    bool negative = signbit(real) && !isnan(real);
    int32_t precision = how->precision < 0 ? 6 : BASE_MIN(how->precision, 400);
    bool upper = how->letter == 'E' || how->letter == 'G';
    base_buffer digits;
    base_buffer_init(&digits, self->call->heap->budget);
    directive plain = *how;
    if (!isfinite(real)) {
        plain.zeros = false;
        base_buffer_append_text(&digits, isnan(real) ? "NaN" : "Inf");
    } else if ((how->letter | 0x20) == 'f') {
        lay_out_fixed(&digits, real, precision);
    } else if ((how->letter | 0x20) == 'e') {
        lay_out_exponent(&digits, real, precision, upper);
    } else {
        lay_out_general(&digits, real, precision, upper);
    }
    if (digits.failed)
        self->out.failed = true;
    else
        put_number(self, &plain, negative, digits.data, digits.length);
    base_buffer_destroy(&digits);
    return BASE_OK;
}

static base_status put_character(printer *self, const directive *how, const types_value *value)
{
    types_value text;
    RETURN_IF_ERROR(types_cast(value, TYPES_OF(TEXT), self->call->heap, &text, self->error));
    base_text whole = func_text(&text.cell);
    put_text(self, how, whole.data, types_utf8_offset(whole.data, whole.length, 1));
    return BASE_OK;
}

/* %q doubles quotes, %Q and %L quote as a literal, %w and %I as a name. */
static void put_quoted(printer *self, const directive *how, base_text text)
{
    char quote = how->letter == 'w' || how->letter == 'I' ? '"' : '\'';
    bool enclose = how->letter != 'q' && how->letter != 'w';
    base_buffer quoted;
    base_buffer_init(&quoted, self->call->heap->budget);
    if (enclose)
        base_buffer_append_byte(&quoted, quote);
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == quote)
            base_buffer_append_byte(&quoted, quote);
        base_buffer_append_byte(&quoted, text.data[i]);
    }
    if (enclose)
        base_buffer_append_byte(&quoted, quote);
    if (quoted.failed)
        self->out.failed = true;
    else
        put_text(self, how, quoted.data ? quoted.data : "", quoted.length);
    base_buffer_destroy(&quoted);
}

static base_status put_directive(printer *self, const directive *how)
{
    types_value value, text;
    if (how->letter == '%') {
        put_text(self, how, "%", 1);
        return BASE_OK;
    }
    bool is_null = !take_argument(self, how->argument, &value);
    switch (how->letter) {
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        if (is_null)
            value = (types_value){.type = TYPES_OF(INTEGER)};
        return put_integer(self, how, &value);
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        if (is_null)
            value = (types_value){.type = TYPES_OF(FLOAT)};
        return put_float(self, how, &value);
    case 'c':
        return is_null ? BASE_OK : put_character(self, how, &value);
    case 's':
    case 'z':
    case 'q':
    case 'Q':
    case 'L':
    case 'w':
    case 'I':
        break;
    default:
        return base_error_set(self->error, BASE_INVALID_PARAMETER, "format: unknown directive %%%c",
                              how->letter);
    }
    if (is_null) {
        bool word = how->letter == 'Q' || how->letter == 'L';
        put_text(self, how, word ? "NULL" : "", word ? 4 : 0);
        return BASE_OK;
    }
    RETURN_IF_ERROR(types_cast(&value, TYPES_OF(TEXT), self->call->heap, &text, self->error));
    base_text bytes = func_text(&text.cell);
    if (how->letter == 's' || how->letter == 'z')
        put_text(self, how, bytes.data, bytes.length);
    else
        put_quoted(self, how, bytes);
    return BASE_OK;
}

static base_status print_all(printer *self, base_text format)
{
    for (size_t at = 0; at < format.length;) {
        const char *percent = memchr(format.data + at, '%', format.length - at);
        size_t plain = percent ? (size_t)(percent - format.data) - at : format.length - at;
        base_buffer_append(&self->out, format.data + at, plain);
        at += plain + 1;
        if (!percent)
            break;
        if (at < format.length && format.data[at] == '%') {
            base_buffer_append_byte(&self->out, '%');
            at++;
            continue;
        }
        directive how;
        RETURN_IF_ERROR(read_directive(self, format, &at, &how));
        RETURN_IF_ERROR(put_directive(self, &how));
        if (self->out.length > FUNC_MAX_TEXT)
            break;
    }
    return BASE_OK;
}

static base_status printf_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    printer self = {
        .call = call, .arguments = arguments, .nulls = nulls, .next = 1, .error = error};
    if (nulls[0]) {
        *result_null = true;
        return BASE_OK;
    }
    base_buffer_init(&self.out, call->heap->budget);
    base_status status = print_all(&self, func_text(&arguments[0]));
    if (status != BASE_OK) {
        base_buffer_destroy(&self.out);
        return status;
    }
    return func_finish_buffer(call, &self.out, result, error);
}

const func_scalar func_printf_rows[] = {
    FUNC_ROW("printf", printf_row, FUNC_VARIADIC, TYPES_TEXT, 1, FUNC_MAX_ARGUMENTS, "text",
             "Text by a format of C: %d %5.2f %s, with commas %,d, quoted %q %Q.",
             "printf('%05d|%8.3f|%-5s|%,d', 42, 3.14159, 'ab', 1234567)",
             "00042|   3.142|ab   |1,234,567", TYPES_TEXT, FUNC_KIND_ANY),
    FUNC_ROW("format", printf_row, FUNC_VARIADIC, TYPES_TEXT, 1, FUNC_MAX_ARGUMENTS, "text",
             "The same; of PostgreSQL's directives %I quotes a name, %L a literal, %2$s names the "
             "argument.",
             "format('%2$s %1$s %L', 'a', 'b', 'it''s')", "b a 'a'", TYPES_TEXT, FUNC_KIND_ANY),
    {0},
};
