// paths: names of files are made, changed and removed.
#include "support.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace test;

namespace {

struct CPaths : testing::TestWithParam<aura_ring_select_t> {
    CPaths() {
        std::string form = (std::filesystem::temp_directory_path() / "auraio-paths-XXXXXX").string();
        directory = ::mkdtemp(form.data());
        fd = unique_fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)).release();
    }
    ~CPaths() override {
        ::close(fd);
        std::filesystem::remove_all(directory);
    }
    aura_engine_t* e() const { return engine.get(); }
    /// By value: whoever starts an operation keeps the path until it has completed.
    std::string in(const char* name) const { return directory + "/" + name; }
    void write(const char* name) const { std::ofstream(in(name)) << name; }
    bool exists(const char* name) const { return std::filesystem::exists(in(name)); }

    engine_ptr engine = make_engine(2, GetParam());
    std::string directory;
    int fd = -1;
};

INSTANTIATE_TEST_SUITE_P(Modes, CPaths,
                         testing::Values(AURA_SELECT_ADAPTIVE, AURA_SELECT_CPU_LOCAL, AURA_SELECT_ROUND_ROBIN,
                                         AURA_SELECT_THREAD_LOCAL));

} // namespace

TEST_P(CPaths, ADirectoryIsMadeAndRemoved) {
    const std::string below = in("below");
    ended made, again, refused, removed;
    aura_request_t* const r = aura_mkdirat(e(), fd, "below", 0700, ended::note, &made);
    EXPECT_EQ(aura_request_op_type(r), AURA_OP_MKDIRAT);
    EXPECT_EQ(finish(engine, made), 0);
    struct stat status{};
    ASSERT_EQ(::stat(below.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777u, 0700u);
    ASSERT_TRUE(aura_mkdirat(e(), AT_FDCWD, below.c_str(), 0700, ended::note, &again));
    EXPECT_EQ(finish(engine, again), -EEXIST);
    ASSERT_TRUE(aura_unlinkat(e(), fd, "below", 0, ended::note, &refused));
    EXPECT_EQ(finish(engine, refused), -EISDIR);
    ASSERT_TRUE(aura_unlinkat(e(), fd, "below", AT_REMOVEDIR, ended::note, &removed));
    EXPECT_EQ(finish(engine, removed), 0);
    EXPECT_FALSE(exists("below"));
}

TEST_P(CPaths, AFileIsRenamedAndRemoved) {
    write("one");
    write("two");
    const std::string three = in("three");
    ended kept, renamed, missing, removed;
    ASSERT_TRUE(aura_renameat(e(), fd, "one", fd, "two", RENAME_NOREPLACE, ended::note, &kept));
    EXPECT_EQ(finish(engine, kept), -EEXIST);
    ASSERT_TRUE(aura_renameat(e(), fd, "one", AT_FDCWD, three.c_str(), 0, ended::note, &renamed));
    EXPECT_EQ(finish(engine, renamed), 0);
    EXPECT_TRUE(exists("three") && exists("two") && !exists("one"));
    ASSERT_TRUE(aura_unlinkat(e(), fd, "one", 0, ended::note, &missing));
    EXPECT_EQ(finish(engine, missing), -ENOENT);
    ASSERT_TRUE(aura_unlinkat(e(), AT_FDCWD, three.c_str(), 0, ended::note, &removed));
    EXPECT_EQ(finish(engine, removed), 0);
    EXPECT_FALSE(exists("three"));
}

TEST_P(CPaths, RefuseWhatMakesNoSense) {
    const auto refuses = [](const aura_request_t* r) {
        EXPECT_EQ(r, nullptr);
        EXPECT_EQ(errno, EINVAL);
        errno = 0;
    };
    refuses(aura_mkdirat(e(), fd, nullptr, 0700, nullptr, nullptr));
    refuses(aura_unlinkat(e(), fd, nullptr, 0, nullptr, nullptr));
    refuses(aura_renameat(e(), fd, nullptr, fd, "x", 0, nullptr, nullptr));
    refuses(aura_renameat(e(), fd, "x", fd, nullptr, 0, nullptr, nullptr));
    refuses(aura_mkdirat(nullptr, fd, "x", 0700, nullptr, nullptr));
    EXPECT_EQ(aura_drain(e(), 0), 0);
}
