// struct_versions: a program and a library of other versions: every struct of aura.h grows by the same rule.
#include "support.hpp"

#include <cstddef>
#include <cstring>

using namespace test;

namespace {

/// A struct of a program whose header is newer: it has more than the library knows.
template <class Struct>
struct newer {
    Struct known;
    unsigned char more[16];
};

/// What the library reads. `init` fills a struct, all bytes behind its fields with `unset`; `use` returns 0
/// or an errno value. `second_field` is where a program that knows one field only has its end.
template <class Struct, class Init, class Use>
void expect_reads_all_versions(Init init, unsigned char unset, std::size_t second_field, Use use) {
    newer<Struct> s;
    const auto make = [&](std::size_t size, unsigned char beyond) {
        std::memset(&s, beyond, sizeof s);
        Struct known;
        init(&known);
        std::memcpy(static_cast<void*>(&s.known), &known, size < sizeof known ? size : sizeof known);
        s.known.struct_size = size;
        return &s.known;
    };
    EXPECT_EQ(use(make(sizeof(Struct), 0xa5)), 0) << "the same version";
    EXPECT_EQ(use(make(second_field, 0xa5)), 0) << "an older program: what is behind is not looked at";
    EXPECT_EQ(use(make(sizeof s, unset)), 0) << "a newer program that sets nothing new";
    EXPECT_EQ(use(make(sizeof s, 0xa5)), EINVAL) << "a newer program that sets something new";
    EXPECT_EQ(use(make(sizeof(std::size_t), unset)), EINVAL) << "no field";
    Struct none;
    init(&none);
    none.struct_size = 0;
    EXPECT_EQ(use(&none), EINVAL) << "no size";
}

/// What the library fills in. `ask` returns what the function does.
template <class Struct, class Ask>
void expect_fills_all_versions(std::size_t second_field, Ask ask) {
    newer<Struct> s;
    const auto* bytes = reinterpret_cast<const unsigned char*>(&s);
    for (const std::size_t size : {second_field, sizeof(Struct), sizeof s}) {
        std::memset(static_cast<void*>(&s), 0xa5, sizeof s);
        s.known.struct_size = size;
        EXPECT_EQ(ask(&s.known), 0) << size;
        EXPECT_EQ(s.known.struct_size, size < sizeof(Struct) ? size : sizeof(Struct)) << "what was filled";
        for (std::size_t i = s.known.struct_size; i < sizeof s; ++i)
            ASSERT_EQ(bytes[i], 0xa5) << "byte " << i << " of " << size;
    }
    for (const std::size_t size : {std::size_t{0}, sizeof(std::size_t)}) {
        s.known.struct_size = size;
        EXPECT_EQ(ask(&s.known), -EINVAL) << size;
    }
    EXPECT_EQ(ask(nullptr), -EINVAL);
}

} // namespace

TEST(CStructVersions, Options) {
    expect_reads_all_versions<aura_options_t>(aura_options_init, 0, offsetof(aura_options_t, queue_depth),
                                              [](const aura_options_t* o) {
                                                  const engine_ptr e(aura_create_with_options(o));
                                                  return e ? 0 : errno;
                                              });
}

TEST(CStructVersions, Storage) {
    const engine_ptr e = make_engine(1);
    expect_reads_all_versions<aura_storage_t>(
        aura_storage_init, 0xff, offsetof(aura_storage_t, min_in_flight),
        [&](const aura_storage_t* s) { return -aura_set_storage(e.get(), nullptr, s); });
}

TEST(CStructVersions, StorageOfAnOlderProgramChangesWhatItKnows) {
    const engine_ptr e = make_engine(1);
    aura_storage_t s;
    std::memset(&s, 0, sizeof s); // behind the size: an exemption, and an impossible minimum
    s.struct_size = offsetof(aura_storage_t, min_in_flight);
    s.max_p99_latency_ns = 1000000;
    EXPECT_EQ(aura_set_storage(e.get(), nullptr, &s), 0);
    s.struct_size = sizeof s;
    EXPECT_EQ(aura_set_storage(e.get(), nullptr, &s), -EINVAL);
}

TEST(CStructVersions, LinkedOperations) {
    const engine_ptr e = make_engine(1);
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
    expect_reads_all_versions<aura_op_t>(
        [&](aura_op_t* op) {
            std::memset(op, 0, sizeof *op);
            *op = aura_op_fsync(fd.get(), nullptr, nullptr);
        },
        0, offsetof(aura_op_t, flags),
        [&](const aura_op_t* op) {
            const bool started = aura_submit_linked(e.get(), op, 1, nullptr) != nullptr;
            const int error = started ? 0 : errno;
            EXPECT_GE(aura_drain(e.get(), 20000), 0);
            return error;
        });
}

TEST(CStructVersions, ArraysOfLinkedOperationsAreWalkedByTheProgramsSize) {
    const engine_ptr e = make_engine(1);
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDWR | O_CLOEXEC));
    char data[16];
    ended read, sync;
    newer<aura_op_t> ops[2] = {{aura_op_read(fd.get(), aura_buf(data), 16, 0, ended::note, &read), {}},
                               {aura_op_fsync(fd.get(), ended::note, &sync), {}}};
    ops[0].known.struct_size = ops[1].known.struct_size = sizeof ops[0];
    ASSERT_TRUE(aura_submit_linked(e.get(), &ops[0].known, 2, nullptr));
    EXPECT_EQ(aura_drain(e.get(), 20000), 2);
    EXPECT_EQ(read.result, 16);
    EXPECT_EQ(sync.result, 0);
    EXPECT_TRUE(scratch_file::matches(data, 16, 0));

    ops[1].known.struct_size = sizeof(aura_op_t); // not as the first says
    EXPECT_EQ(aura_submit_linked(e.get(), &ops[0].known, 2, nullptr), nullptr);
    EXPECT_EQ(errno, EINVAL);
    ops[0].known.struct_size = sizeof(aura_op_t) + 1;
    EXPECT_EQ(aura_submit_linked(e.get(), &ops[0].known, 1, nullptr), nullptr);
    EXPECT_EQ(errno, EINVAL);
}

TEST(CStructVersions, WhatTheLibraryFillsIn) {
    const engine_ptr e = make_engine(1);
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
    char data[16];
    ended read;
    ASSERT_TRUE(aura_read(e.get(), fd.get(), aura_buf(data), 16, 0, ended::note, &read));
    EXPECT_EQ(finish(e, read), 16);
    expect_fills_all_versions<aura_stats_t>(offsetof(aura_stats_t, submitted),
                                            [&](aura_stats_t* s) { return aura_get_stats(e.get(), s); });
    expect_fills_all_versions<aura_stats_t>(offsetof(aura_stats_t, submitted), [&](aura_stats_t* s) {
        return aura_get_ring_stats(e.get(), 0, s);
    });
    expect_fills_all_versions<aura_buffer_stats_t>(
        offsetof(aura_buffer_stats_t, cached_bytes),
        [&](aura_buffer_stats_t* s) { return aura_get_buffer_stats(e.get(), s); });
    expect_fills_all_versions<aura_histogram_t>(offsetof(aura_histogram_t, sum_ns), [&](aura_histogram_t* s) {
        return aura_get_histogram(e.get(), AURA_ALL_RINGS, AURA_OP_READ, s);
    });
    expect_fills_all_versions<aura_device_stats_t>(
        offsetof(aura_device_stats_t, major),
        [&](aura_device_stats_t* s) { return aura_get_device_stats(e.get(), 0, s); });
}
