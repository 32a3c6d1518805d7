// registration_limits: registered buffers and files where the machine refuses something, and on several rings.
#include <auraio/auraio.hpp>

#include "support/block_memory.hpp"
#include "support/locked_memory.hpp"
#include "support/older_kernel.hpp"
#include "support/other_process.hpp"
#include "support/ring_configurations.hpp"
#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace test;

namespace {

TEST(RegistrationLimits, LockedMemory) {
    test::in_another_process([] {
        test::limit_locked_memory(2 << 20);
        std::unique_ptr<aura::io_context> ctx;
        try {
            ctx = std::make_unique<aura::io_context>(on_rings());
        } catch (const aura::system_error& e) {
            test::exit_skipping(e.what()); // no ring at all without privileges
        }
        const block_memory memory(1024), small(1);
        try {
            (void)aura::register_buffers(*ctx, memory.sequence);
            ADD_FAILURE() << "4 MiB were locked where 2 may be";
        } catch (const aura::system_error& e) {
            EXPECT_EQ(e.code().value(), ENOMEM) << e.what();
            EXPECT_NE(std::string(e.what()).find("RLIMIT_MEMLOCK"), std::string::npos) << e.what();
        }
        EXPECT_NO_THROW((void)aura::register_buffers(*ctx, small.sequence));
    });
}

TEST(RegistrationLimits, KernelsWithoutClones) {
    test::in_another_process([] {
        if (!older_kernel::without_buffer_clones())
            test::exit_skipping("no seccomp filters here");
        const scratch_file contents(blocks * block);
        aura::io_context ctx;
        const block_memory memory;
        const auto registered = aura::register_buffers(ctx, memory.sequence);
        for (unsigned i = 0; i < 2; ++i) {
            aura::random_access_file file(ctx.ring_executor(i), contents.path(), aura::file_base::read_only);
            outcome read;
            file.async_read_some_at(i * block, registered[i], read.note());
            ctx.restart();
            ctx.run();
            EXPECT_EQ(read.bytes, block) << read.ec.message();
            EXPECT_TRUE(scratch_file::matches(memory[i], block, i * block));
        }
    });
}

TEST(RegistrationLimits, EveryRingHasIt) {
    const scratch_file contents(blocks * block);
    aura::io_context ctx;
    const block_memory memory;
    const auto registered = aura::register_buffers(ctx, memory.sequence);
    aura::file_registration files(ctx, 4);
    std::vector<aura::random_access_file> on_rings;
    std::array<outcome, 4> reads;
    for (unsigned i = 0; i < reads.size(); ++i) {
        files.add(on_rings.emplace_back(ctx.ring_executor(i), contents.path(), aura::file_base::read_only));
        on_rings.back().async_read_some_at(i * block, registered[i], reads[i].note());
    }
    std::thread other([&] { ctx.run(); });
    ctx.run();
    other.join();
    for (unsigned i = 0; i < reads.size(); ++i) {
        EXPECT_EQ(reads[i].bytes, block) << reads[i].ec.message();
        EXPECT_TRUE(scratch_file::matches(memory[i], block, i * block));
    }
    outcome replaced, end;
    files.async_replace(0, on_rings[3], replaced.note());
    files.async_unregister(end.note());
    ctx.restart();
    ctx.run();
    EXPECT_TRUE(replaced.over && !replaced.ec && end.over && !end.ec);
}

} // namespace
