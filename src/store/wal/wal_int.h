/*
 * wal_int.h - the bytes of the log, and the structures of its writer and reader.
 *
 * The file is cut into segments of 256 KiB. A segment belongs to one generation and begins
 * with a block that says so:
 *
 *   offset size  segment header (one 4 KiB block, zero-filled)
 *   0      8     magic "TUFFWAL1"
 *   8      4     version, 1
 *   12     4     ordinal: place of the segment in its generation
 *   16     16    database id
 *   32     8     generation
 *   40     8     salt, random
 *   48     8     base sequence: all units of the generation are above it
 *   56     8     base epoch: that of the database header when the generation began
 *   64     8     length at which the generation before ends
 *   72     4     chain value at which the generation before ends
 *   76     4     flags, 0 (encryption)
 *   80     32    key salt, 0 (encryption)
 *   112    12    0
 *   124    4     CRC-32C of bytes 0 .. 123
 *
 * The rests of a generation's segments, in order, are one stream of frames, each aligned to
 * 8 bytes. A unit (transaction) is one or more frames, the last of them marked.
 *
 *   offset size  frame header
 *   0      4     length of the payload; in padding: bytes to skip
 *   4      1     type: 1 data, 2 padding
 *   5      1     flags: 1 last of its unit
 *   6      2     0
 *   8      8     salt of the generation
 *   16     8     sequence of the unit; in padding: of the last unit
 *   24     8     durable: the newest sequence known to be on disk when this was written
 *   32     8     time of the commit (microseconds since 1970)
 *   40     4     CRC-32C of the payload; in padding 0
 *   44     4     CRC-32C of bytes 0 .. 43
 *   48     4     chain: CRC-32C of bytes 0 .. 47, seeded with the chain of the frame before (at
 *                first, with the CRC of the generation's first segment header)
 *   52     4     0
 *   56     n     payload: records, each { length 4, type 2, zero 2, data, zeros to 8 }
 */
#ifndef STORE_WAL_WAL_INT_H
#define STORE_WAL_WAL_INT_H

#include "crypto/crypto.h"
#include "store/wal/wal.h"

enum {
    WAL_BLOCK = 4096,
    WAL_SEGMENT = 262144,
    WAL_PAYLOAD = WAL_SEGMENT - WAL_BLOCK, /* stream bytes in a segment */
    WAL_SEGMENT_HEADER_SIZE = 128,
    WAL_FRAME_HEADER_SIZE = 56,
    WAL_RECORD_HEADER_SIZE = 8,
    WAL_VERSION = 1,
    WAL_FRAME_DATA = 1,
    WAL_FRAME_PADDING = 2,
    WAL_FRAME_LAST = 1,
    WAL_FIRST_CHUNK = 1024,
    WAL_LARGEST_CHUNK = 262144,
    WAL_LARGEST_EXTENSION = 131072, /* zeros written ahead at a time */
    WAL_BATCH = 65536,              /* frames gathered into one write */
    WAL_KEEP_SEGMENTS = 64,         /* free segments that stay in the file after a release */
};
#define WAL_FLUSH_INTERVAL INT64_C(1000000000) /* nanoseconds, in normal mode */
#define WAL_MAX_FRAME_LENGTH ((uint32_t)WAL_MAX_RECORD + 16)

typedef struct wal_segment_header {
    uint32_t ordinal;
    unsigned char database_id[16];
    uint64_t generation, salt, base_sequence, base_epoch, previous_length;
    uint32_t previous_chain;
    uint32_t crc; /* seeds the chain of the generation when ordinal is 0 */
} wal_segment_header;

typedef struct wal_frame_header {
    uint32_t length;
    uint8_t type, flags;
    uint64_t salt, sequence, durable;
    int64_t time;
    uint32_t payload_crc, chain;
} wal_frame_header;

/* Sets header->crc. `block` has WAL_BLOCK bytes. */
void wal_segment_header_store(wal_segment_header *header, unsigned char *block);
/* Whether the block could be the start of a header that was not written whole. */
bool wal_segment_header_begins(const unsigned char *block);
/* Not found: no segment header, or a damaged one; FORMAT: of another version. */
base_status wal_segment_header_load(wal_segment_header *header, const unsigned char *block,
                                    const char *path, base_error *error);
/* Sets header->chain from the chain before. */
void wal_frame_header_store(wal_frame_header *header, uint32_t chain_before, unsigned char *bytes);
/* Whether its own checksum is right, whatever precedes it. */
bool wal_frame_header_is_whole(const unsigned char *bytes);
/* False when the header is not the frame of `salt` that follows `chain_before`. */
bool wal_frame_header_load(wal_frame_header *header, uint64_t salt, uint32_t chain_before,
                           const unsigned char *bytes);

/* A piece of a transaction's records; written as one frame, its header in place. */
struct wal_chunk {
    wal_chunk *next;
    uint64_t start; /* buffer position of its first byte */
    uint32_t capacity, used;
    uint32_t payload_crc;
    uint32_t reserved; /* aligns the payload */
    unsigned char header[WAL_FRAME_HEADER_SIZE];
    unsigned char payload[];
};
_Static_assert(offsetof(wal_chunk, payload) == offsetof(wal_chunk, header) + WAL_FRAME_HEADER_SIZE,
               "a frame lies in one piece");

_Static_assert(offsetof(wal_chunk, payload) % 8 == 0, "records are aligned");

typedef struct wal_generation {
    struct wal_generation *next; /* newer */
    uint64_t number, salt, base_sequence;
    uint32_t *segments; /* physical places, by ordinal */
    uint32_t segment_count, segment_capacity;
    uint32_t first_chain; /* seeds the chain: the first segment header's CRC */
    uint64_t length;      /* stream bytes that hold valid frames */
    uint32_t chain;       /* after them */
} wal_generation;

/*
 * `mutex` guards everything but what the leader owns while `leading` is set: the current
 * generation's stream (length, chain, segments), the segment map and the file's contents.
 */
struct wal_log {
    os_environment *environment;
    base_budget *budget;
    char *path; /* NULL: memory only */
    size_t path_size;
    unsigned char database_id[16];
    bool read_only, replayed;
    os_file *file;      /* NULL until the first commit or when there was none */
    uint64_t file_end;  /* bytes that the file has; the leader's */
    bool name_unsynced; /* the directory was not yet synced since the file was made or found */

    os_mutex mutex;
    os_condition changed;   /* the queue, leading, syncing, switching */
    wal_unit *first, *last; /* started units in the order of their sequences */
    bool leading, syncing, switching;
    wal_sync_mode sync_mode;
    base_status failure;
    char failure_text[256];

    uint64_t last_sequence;      /* given out */
    uint64_t published_sequence; /* of the last unit that succeeded */
    int64_t last_time;
    uint64_t written_sequence; /* last unit whose frames were handed to the system */
    uint64_t durable_sequence; /* last unit known to be on disk */
    uint64_t stated_durable;   /* of the file's frames: what they say was on disk before them */
    uint64_t group_durable;    /* durable_sequence as the leader saw it when it took the lead */
    bool unsynced;             /* something was written after the last sync began */

    wal_generation *oldest, *current; /* current NULL: made by the next write */
    uint64_t next_generation;
    uint64_t base_sequence; /* of the next generation */
    uint64_t epoch;         /* of the newest database header */
    bool has_stale;       /* the segment at stale_place may have the header of a generation that */
    uint32_t stale_place; /* was not begun: see wal_forget_stale */
    bool *segment_used;
    uint32_t segment_count, segment_capacity; /* segments of the file */
    _Atomic(uint64_t) live_bytes;

    /* The leader's: frames at the end of the stream that are not written yet. */
    unsigned char *batch; /* WAL_BATCH bytes; NULL in memory */
    size_t batch_used;

    os_thread *flusher;
    os_condition flusher_wake;
    bool flusher_running, closing;
};

/* wal_segment.c: streams on segments. */
uint64_t wal_stream_place(const wal_generation *generation, uint64_t position);
base_status wal_stream_read(wal_log *log, const wal_generation *generation, uint64_t position,
                            void *buffer, size_t length, base_error *error);
base_status wal_stream_write(wal_log *log, wal_generation *generation, uint64_t position,
                             const void *bytes, size_t length, base_error *error);
/* Writes the generation's bytes from `from` on again, as they are, and headers of segments that lie
 * there. */
base_status wal_stream_rewrite(wal_log *log, const wal_generation *generation, uint64_t from,
                               base_error *error);
/* Fills the file with zeros ahead of the stream: see wal_segment.c. */
void wal_stream_extend(wal_log *log, const wal_generation *generation);
base_status wal_generation_start(wal_log *log, bool *broken, base_error *error);
/* By who leads: overwrites such a header, which the next sync makes durable. */
base_status wal_forget_stale(wal_log *log, base_error *error);
wal_generation *wal_generation_allocate(wal_log *log);
void wal_generation_free(wal_log *log, wal_generation *generation);
bool wal_generation_add_segment(wal_log *log, wal_generation *generation, uint32_t place);
/* Extends the segment map to `count` segments; new ones are free. */
bool wal_segment_map_grow(wal_log *log, uint32_t count);

/* wal_writer.c. Both under the mutex. */
void wal_fail(wal_log *log, base_status status, const base_error *error);
base_status wal_answer_failure(const wal_log *log, base_error *error);
/* Sums up what the generations hold. */
void wal_count_live_bytes(wal_log *log);
/* As leader, without the mutex: pads the stream to the next block and writes what was gathered. */
base_status wal_pad(wal_log *log, base_error *error);
/* Under the mutex, which is released meanwhile: pads and syncs. */
base_status wal_sync_locked(wal_log *log, base_error *error);

/* wal_flusher.c */
void wal_flusher_start(wal_log *log); /* under the mutex */
void wal_flusher_stop(wal_log *log);  /* not under the mutex */

/* wal_reader.c: frames in order, through a window of the stream. */
typedef struct wal_reader {
    wal_log *log;
    const wal_generation *generation;
    unsigned char *window;
    size_t window_capacity, window_length;
    uint64_t window_start, limit; /* stream positions */
    uint64_t position;            /* of the next frame */
    uint32_t chain;               /* before it */
    wal_frame_header header;      /* of the frame just read, */
    const unsigned char *payload; /* its payload, valid until the next call */
} wal_reader;
void wal_reader_init(wal_reader *reader, wal_log *log);
void wal_reader_destroy(wal_reader *reader);
/* To the start of a generation's stream, which may be read up to `limit`. */
void wal_reader_open(wal_reader *reader, const wal_generation *generation, uint64_t limit,
                     uint32_t first_chain);
/* BASE_ROW: a frame that follows; BASE_DONE: there is none (end, hole or damage). */
base_status wal_reader_next(wal_reader *reader, base_error *error);

/* wal_recover.c: finds the generations to replay and where they end. */
base_status wal_recover(wal_log *log, const wal_options *options, base_error *error);

#endif
