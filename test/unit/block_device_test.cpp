// block_device: from a device number to the disk, in trees made as the kernel makes them.
#include "auraio/core/storage/block_device.hpp"

#include "support/descriptor_famine.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;
using aura::core::device_id;
using aura::core::find_underlying_device;

class BlockDevice : public testing::Test {
protected:
    BlockDevice() {
        char name[] = "./auraio-sysfs-XXXXXX";
        root_ = ::mkdtemp(name);
        fs::create_directories(root_ / "dev/block");
    }
    ~BlockDevice() override { fs::remove_all(root_); }

    static std::string number(device_id id) {
        return std::to_string(id.major) + ':' + std::to_string(id.minor);
    }
    /// `path` is below devices: "sda", "sda/sda1".
    void add(const std::string& path, device_id id) {
        const fs::path directory = root_ / "devices" / path;
        fs::create_directories(directory / "slaves");
        std::ofstream(directory / "dev") << number(id) << '\n';
        if (path.find('/') != std::string::npos)
            std::ofstream(directory / "partition") << "1\n";
        fs::create_directory_symlink("../../devices/" + path, root_ / "dev/block" / number(id));
    }
    void stack(const std::string& upper, const std::string& lower) {
        const fs::path link = root_ / "devices" / upper / "slaves" / fs::path(lower).filename();
        fs::create_directory_symlink(fs::absolute(root_ / "devices" / lower), link);
    }
    device_id disk_of(device_id id) {
        EXPECT_EQ(find_underlying_device(id, root_.string()), 0);
        return id;
    }

    fs::path root_;
};

TEST_F(BlockDevice, ADiskIsItself) {
    add("sda", {8, 0});
    EXPECT_EQ(disk_of({8, 0}), (device_id{8, 0}));
    EXPECT_EQ(aura::core::device_name({8, 0}, root_.string()), "sda");
}

TEST_F(BlockDevice, WithoutDescriptorsNothingIsFoundOut) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "the sanitizer needs descriptors itself";
    add("sda", {8, 0});
    add("sda/sda1", {8, 1});
    test::descriptor_famine famine;
    famine.begin();
    for (const unsigned minor : {0u, 1u}) {
        device_id id{8, minor};
        EXPECT_EQ(find_underlying_device(id, root_.string()), -EMFILE);
        EXPECT_EQ(id, (device_id{8, minor}));
    }
    famine.end();
    EXPECT_EQ(disk_of({8, 1}), (device_id{8, 0}));
}

TEST_F(BlockDevice, PartitionsAreTheirDisk) {
    add("sda", {8, 0});
    add("sda/sda1", {8, 1});
    add("sda/sda2", {8, 2});
    EXPECT_EQ(disk_of({8, 1}), (device_id{8, 0}));
    EXPECT_EQ(disk_of({8, 2}), (device_id{8, 0}));
}

TEST_F(BlockDevice, AVolumeOnOnePartitionIsTheDisk) {
    add("nvme0n1", {259, 0});
    add("nvme0n1/nvme0n1p3", {259, 3});
    add("dm-0", {254, 0}); // encryption
    add("dm-1", {254, 1}); // a volume on it
    stack("dm-0", "nvme0n1/nvme0n1p3");
    stack("dm-1", "dm-0");
    EXPECT_EQ(disk_of({254, 1}), (device_id{259, 0}));
}

TEST_F(BlockDevice, AnArrayOfSeveralDisksIsItself) {
    add("sda", {8, 0});
    add("sdb", {8, 16});
    add("md0", {9, 0});
    stack("md0", "sda");
    stack("md0", "sdb");
    EXPECT_EQ(disk_of({9, 0}), (device_id{9, 0}));
}

TEST_F(BlockDevice, WhatTheKernelDoesNotListIsItself) {
    EXPECT_EQ(disk_of({0, 45}), (device_id{0, 45}));
    EXPECT_EQ(aura::core::device_name({0, 45}, root_.string()), "0:45");
}

TEST(DeviceOfFile, KnowsFilesFromOtherThings) {
    device_id id;
    device_id again;
    const std::string self = "/proc/self/exe";
    EXPECT_EQ(aura::core::device_of_path(self.c_str(), id), 0);
    EXPECT_EQ(aura::core::device_of_path("/no/such/path", again), -ENOENT);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    EXPECT_EQ(aura::core::device_of_file(ends[0], again), -ENOTBLK);
    ::close(ends[0]);
    ::close(ends[1]);
    EXPECT_EQ(aura::core::device_of_file(-1, again), -EBADF);
}

} // namespace
