// scarcity: what the functions say when descriptors have run out, memory may not be locked, or io_uring is
// forbidden.
#include "support.hpp"

#include "support/descriptor_famine.hpp"
#include "support/locked_memory.hpp"
#include "support/older_kernel.hpp"
#include "support/other_process.hpp"

#include <array>
#include <cstdlib>
#include <sys/mman.h>
#include <sys/resource.h>
#include <vector>

using namespace test;

namespace {

/// Before any engine of the program: none has the ring that an earlier one has left, where none is to be had.
[[maybe_unused]] const int keeps_no_ring = ::setenv("AURAIO_KEEP_RING", "off", 1);

void expect_no_engine(int error, int backend = AURA_BACKEND_AUTO) {
    errno = 0;
    aura_options_t options;
    aura_options_init(&options);
    options.backend = backend;
    aura_engine_t* const e = aura_create_with_options(&options);
    EXPECT_EQ(e, nullptr);
    EXPECT_EQ(errno, error);
    EXPECT_EQ(aura_destroy(e), 0);
}

/// Memory of this process that `flags` describe, `fd` behind it.
class mapping {
public:
    explicit mapping(std::size_t size, int flags = MAP_PRIVATE | MAP_ANONYMOUS, int fd = -1)
        : size_(size)
        , memory_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0)) {
        EXPECT_NE(memory_, MAP_FAILED);
    }
    ~mapping() { ::munmap(memory_, size_); }
    mapping(const mapping&) = delete;
    int add_to(aura_engine_t* e) const {
        const iovec all{memory_, size_};
        return aura_register_buffers(e, &all, 1);
    }

private:
    const std::size_t size_;
    void* const memory_;
};

} // namespace

/// Where nobody has asked the kernel yet what it can do; nothing wrong is remembered of the answer.
TEST(CScarcity, NoEngineWithoutDescriptors) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "the sanitizer needs descriptors itself";
    test::in_another_process([] {
        test::descriptor_famine famine;
        famine.begin();
        expect_no_engine(EMFILE);
        famine.end();
        EXPECT_TRUE(make_engine());
    });
}

/// Rings are made when they are needed first.
TEST(CScarcity, NoRingWithoutDescriptors) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "the sanitizer needs descriptors itself";
    (void)make_engine_of_rings(); // asks the kernel
    test::descriptor_famine famine;
    famine.begin();
    const engine_ptr e = make_engine_of_rings(); // one that could keep nothing for its ring
    ended done;
    ASSERT_TRUE(aura_timeout(e.get(), 0, ended::note, &done));
    EXPECT_EQ(aura_poll(e.get()), -EMFILE);
    EXPECT_EQ(aura_wait(e.get(), -1), -EMFILE);
    EXPECT_EQ(aura_run(e.get()), -EMFILE);
    EXPECT_EQ(aura_drain(e.get(), -1), -EMFILE);
    EXPECT_EQ(done.calls, 0);
    famine.end();
    EXPECT_EQ(finish(e, done), 0);
}

TEST(CScarcity, AnEngineKeepsWhatItsFirstRingNeeds) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "the sanitizer needs descriptors itself";
    test::descriptor_famine famine;
    const engine_ptr e = make_engine();
    ended done;
    ASSERT_TRUE(aura_timeout(e.get(), 0, ended::note, &done));
    famine.begin();
    EXPECT_EQ(finish(e, done), 0);
    aura_stats_t stats{};
    stats.struct_size = sizeof stats;
    EXPECT_EQ(aura_get_stats(e.get(), &stats), 0);
    EXPECT_EQ(stats.ring_shortages, 0u);
}

TEST(CScarcity, NoEngineWhereRingsAreForbidden) {
    test::in_another_process([] {
        if (!older_kernel::without_rings(EPERM))
            test::exit_skipping("no seccomp filters here");
        expect_no_engine(EPERM, AURA_BACKEND_URING);
    });
}

TEST(CScarcity, NoEngineWhereTheKernelHasNoRings) {
    test::in_another_process([] {
        if (!older_kernel::without_rings(ENOSYS))
            test::exit_skipping("no seccomp filters here");
        expect_no_engine(ENOSYS, AURA_BACKEND_URING);
    });
}

TEST(CScarcity, NoEngineWithAnEnvironmentOutOfRange) {
    ASSERT_EQ(::setenv("AURAIO_SQ_ENTRIES", "many", 1), 0);
    expect_no_engine(EINVAL);
    ASSERT_EQ(::unsetenv("AURAIO_SQ_ENTRIES"), 0);
    EXPECT_TRUE(make_engine());
}

TEST(CScarcity, NoPollDescriptorWithoutDescriptors) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "the sanitizer needs descriptors itself";
    const engine_ptr e = make_engine();
    test::descriptor_famine famine;
    famine.begin();
    EXPECT_EQ(aura_get_poll_fd(e.get()), -EMFILE);
    famine.end();
    EXPECT_GE(aura_get_poll_fd(e.get()), 0);
}

/// Where nobody has asked yet which disk it is.
TEST(CScarcity, NoSettingsForADiskThatCannotBeFoundOut) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "the sanitizer needs descriptors itself";
    test::in_another_process([] {
        const engine_ptr e = make_engine();
        aura_storage_t settings;
        aura_storage_init(&settings);
        settings.max_in_flight = 7;
        test::descriptor_famine famine;
        famine.begin();
        EXPECT_EQ(aura_set_storage(e.get(), ".", &settings), -EMFILE);
        famine.end();
        EXPECT_EQ(aura_set_storage(e.get(), ".", &settings), 0);
    });
}

TEST(CScarcity, NoRegistrationsWithoutDescriptors) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "the sanitizer needs descriptors itself";
    const engine_ptr e = make_engine_of_rings();
    const mapping memory(4096);
    const unique_fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int fd = file.get();
    test::descriptor_famine famine;
    famine.begin();
    EXPECT_EQ(memory.add_to(e.get()), -EMFILE);
    EXPECT_EQ(aura_register_files(e.get(), &fd, 1), -EMFILE);
    famine.end();
    EXPECT_EQ(memory.add_to(e.get()), 0);
    EXPECT_EQ(aura_register_files(e.get(), &fd, 1), 0);
}

TEST(CScarcity, NoMoreRegisteredFilesThanDescriptors) {
    const engine_ptr e = make_engine_of_rings();
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur > (1u << 20))
        GTEST_SKIP() << "RLIMIT_NOFILE is larger than what one would try";
    const std::vector<int> none(limit.rlim_cur + 1, -1);
    EXPECT_EQ(aura_register_files(e.get(), none.data(), static_cast<unsigned>(none.size())), -EMFILE);
    EXPECT_EQ(aura_register_files(e.get(), none.data(), 1), 0);
}

TEST(CScarcity, NoBuffersBeyondTheMemoryThatMayBeLocked) {
    test::in_another_process([] {
        test::limit_locked_memory(2 << 20);
        aura_options_t options;
        aura_options_init(&options);
        options.backend = AURA_BACKEND_URING;
        const engine_ptr e(aura_create_with_options(&options));
        if (!e)
            test::exit_skipping("no ring at all without privileges");
        const mapping much(4 << 20), little_enough(4096);
        EXPECT_EQ(much.add_to(e.get()), -ENOMEM);
        EXPECT_EQ(little_enough.add_to(e.get()), 0);
    });
}

TEST(CScarcity, NoBuffersInMemoryOfAFile) {
    const engine_ptr e = make_engine();
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDWR | O_CLOEXEC));
    const mapping mapped(4096, MAP_SHARED, fd.get());
    const int result = mapped.add_to(e.get());
    if (result == 0)
        GTEST_SKIP() << "the kernel takes memory mapped from a file of this file system";
    // Linux 5.1 to 6.2 say EOPNOTSUPP, later ones leave it to the memory management, which says EFAULT.
    EXPECT_TRUE(result == -EOPNOTSUPP || result == -EFAULT) << result;
}

TEST(CScarcity, NoFileIsReplacedWhileItsTableDrains) {
    const engine_ptr e = make_engine();
    const pipe_ends pipe;
    ASSERT_EQ(aura_register_files(e.get(), &pipe.read_end, 1), 0);
    char byte;
    ended read, over;
    ASSERT_TRUE(aura_read(e.get(), AURA_FIXED_FILE | 0, aura_buf(&byte), 1, AURA_CURRENT_POSITION,
                          ended::note, &read));
    ASSERT_EQ(aura_unregister_async(e.get(), AURA_REG_FILES, ended::note, &over), 0);
    EXPECT_EQ(aura_update_file(e.get(), 0, pipe.read_end), -EBUSY);
    EXPECT_EQ(over.calls, 0);
    ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
    EXPECT_EQ(finish(e, read), 1);
    EXPECT_EQ(finish(e, over), 0);
    EXPECT_EQ(aura_update_file(e.get(), 0, pipe.read_end), -ENOENT);
}
