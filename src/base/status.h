/*
 * status.h - what a call can answer.
 *
 * One list gives the internal status, the public numeric code (TUFF_... in tuff.h has
 * the same numbers, checked at compile time in capi/), the default SQLSTATE and the
 * page of documented errors. Numbers are a promise: add at the end of a group, never
 * renumber. PostgreSQL's SQLSTATE is used wherever it has one for the case.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

/* X(NAME, number, SQLSTATE, meaning) */
#define BASE_STATUS_LIST(X)                                                                        \
    X(OK, 0, "00000", "Success.")                                                                  \
    /* Answers that are no failures. */                                                            \
    X(ROW, 1, "00000", "A row or batch is ready.")                                                 \
    X(DONE, 2, "02000", "No more rows.")                                                           \
    X(NOT_FOUND, 3, "02000", "The key or row does not exist.")                                     \
    X(RESTART, 4, "40001",                                                                         \
      "Internal: the row changed after the statement began; run the statement again.")             \
    /* Resources and hosts. */                                                                     \
    X(OUT_OF_MEMORY, 10, "53200", "Memory could not be had, or a memory limit was reached.")       \
    X(DISK_FULL, 11, "53100", "The disk or a size quota is full.")                                 \
    X(IO_ERROR, 12, "58030", "The system reported an input or output error.")                      \
    X(CANNOT_OPEN, 13, "58P01", "The file cannot be opened.")                                      \
    X(FILE_LOCKED, 14, "55006", "Another process has the database open for writing.")              \
    X(READ_ONLY, 15, "25006", "The database or transaction is read-only.")                         \
    X(CORRUPT, 16, "XX001", "The file or log is damaged.")                                         \
    X(FORMAT, 17, "XX002", "Not a database of a version this library can read.")                   \
    X(INTERRUPTED, 18, "57014", "The statement was cancelled.")                                    \
    X(LIMIT, 19, "54000", "A documented limit was exceeded.")                                      \
    X(ACCESS_DENIED, 20, "42501", "A setting forbids this.")                                       \
    X(INTERNAL, 21, "XX000", "A defect of the library: please report it.")                         \
    X(MISUSE, 22, "55000", "The call is not allowed in the handle's present state.")               \
    X(NOT_SUPPORTED, 23, "0A000", "The feature is not available in this build.")                   \
    /* Transactions. */                                                                            \
    X(SERIALIZATION, 30, "40001", "A concurrent change conflicts: retry the transaction.")         \
    X(DEADLOCK, 31, "40P01", "Transactions wait for each other: retry the transaction.")           \
    X(LOCK_TIMEOUT, 32, "55P03", "A lock was not granted in time.")                                \
    X(TRANSACTION_STATE, 33, "25000", "Not allowed in this transaction state.")                    \
    X(TRANSACTION_ABORTED, 34, "25P02", "The transaction has failed: roll it back.")               \
    X(NO_SAVEPOINT, 35, "3B001", "The savepoint does not exist.")                                  \
    /* Constraints. */                                                                             \
    X(UNIQUE_VIOLATION, 40, "23505", "A key already exists.")                                      \
    X(NOT_NULL_VIOLATION, 41, "23502", "A NULL where the column forbids it.")                      \
    X(CHECK_VIOLATION, 42, "23514", "A CHECK constraint is not met.")                              \
    X(FOREIGN_KEY_VIOLATION, 43, "23503", "A foreign key is not met.")                             \
    /* Statements. */                                                                              \
    X(SYNTAX, 50, "42601", "The statement cannot be parsed.")                                      \
    X(UNDEFINED_TABLE, 51, "42P01", "The table or view does not exist.")                           \
    X(UNDEFINED_COLUMN, 52, "42703", "The column does not exist.")                                 \
    X(UNDEFINED_FUNCTION, 53, "42883", "No function of that name takes these arguments.")          \
    X(UNDEFINED_OBJECT, 54, "42704", "The object does not exist.")                                 \
    X(DUPLICATE_TABLE, 55, "42P07", "The table, view or index exists already.")                    \
    X(DUPLICATE_COLUMN, 56, "42701", "The column exists already.")                                 \
    X(DUPLICATE_OBJECT, 57, "42710", "The object exists already.")                                 \
    X(AMBIGUOUS, 58, "42702", "The name fits more than one column.")                               \
    X(GROUPING, 59, "42803", "The column must be grouped or aggregated.")                          \
    X(TYPE_MISMATCH, 60, "42804", "The types do not fit.")                                         \
    X(CANNOT_CAST, 61, "42846", "There is no cast between these types.")                           \
    X(INVALID_DEFINITION, 62, "42P16", "The definition is not valid.")                             \
    X(WINDOWING, 63, "42P20", "A window function is not allowed here.")                            \
    X(INVALID_PARAMETER, 64, "22023", "A parameter or argument has an unfit value.")               \
    X(UNDEFINED_PARAMETER, 65, "42P02", "The parameter has no value.")                             \
    X(WRONG_OBJECT, 66, "42809", "The object is of another kind.")                                 \
    X(DEPENDENT_OBJECTS, 67, "2BP01", "Other objects depend on it.")                               \
    X(INVALID_COLUMN_REFERENCE, 68, "42P10", "The column reference is not valid here.")            \
    /* Values. */                                                                                  \
    X(OUT_OF_RANGE, 80, "22003", "The number is out of range for its type.")                       \
    X(INVALID_TEXT, 81, "22P02", "The text is not a value of that type.")                          \
    X(DATETIME_OVERFLOW, 82, "22008", "The date or time is out of range.")                         \
    X(INVALID_DATETIME, 83, "22007", "The text is not a date or time.")                            \
    X(CARDINALITY, 84, "21000", "A subquery used as a value returned more than one row.")          \
    X(INVALID_ENCODING, 85, "22021", "The text is not valid UTF-8.")                               \
    X(INVALID_ESCAPE, 86, "22025", "The escape sequence is not valid.")                            \
    X(BAD_COPY_FORMAT, 87, "22P04", "The file is not in the announced COPY format.")               \
    X(INVALID_REGEX, 88, "2201B", "The regular expression is not valid.")                          \
    X(STRING_TOO_LONG, 89, "22001", "The text is longer than its type allows.")

typedef enum base_status {
#define BASE_STATUS_ENUM(name, number, sqlstate, meaning) BASE_##name = number,
    BASE_STATUS_LIST(BASE_STATUS_ENUM)
#undef BASE_STATUS_ENUM
} base_status;

/* Five characters and a NUL; "XX000" for a number that is not in the list. Static. */
const char *base_status_sqlstate(base_status status);
/* The name without prefix ("UNIQUE_VIOLATION"); static. */
const char *base_status_name(base_status status);
/* One sentence; static. */
const char *base_status_meaning(base_status status);

/*
 * The only two macros that change control flow. The status of a failing expression is
 * handed on unchanged: the callee has already filled the error object.
 */
#define RETURN_IF_ERROR(expression)                                                                \
    do {                                                                                           \
        base_status status_of_call_ = (expression);                                                \
        if (BASE_UNLIKELY(status_of_call_ != BASE_OK))                                             \
            return status_of_call_;                                                                \
    } while (0)
#define GOTO_IF_ERROR(assignment, label)                                                           \
    do {                                                                                           \
        if (BASE_UNLIKELY((assignment) != BASE_OK))                                                \
            goto label;                                                                            \
    } while (0)

#endif
