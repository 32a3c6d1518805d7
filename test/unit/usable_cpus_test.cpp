// core::find_usable_cpus and the reading of CPU quotas, from files that only the test has.
#include "core/base/usable_cpus.hpp"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

namespace {

using aura::core::cpu_quota;

struct files {
    std::map<std::string, std::string> contents;
    std::optional<std::string> operator()(const std::string& path) const {
        const auto found = contents.find(path);
        return found == contents.end() ? std::nullopt : std::optional(found->second);
    }
};

TEST(CpuQuota, NoneWithoutFiles) {
    EXPECT_FALSE(cpu_quota("", files{}));
    EXPECT_FALSE(cpu_quota("0::/\n", files{}));
    EXPECT_FALSE(cpu_quota("nonsense\n1:\n", files{}));
}

TEST(CpuQuota, Version2) {
    const files f{{{"/sys/fs/cgroup/a/b/cpu.max", "250000 100000\n"}}};
    EXPECT_EQ(cpu_quota("0::/a/b\n", f), 2.5);
    EXPECT_FALSE(cpu_quota("0::/a\n", f));
}

TEST(CpuQuota, Version2WithoutLimit) {
    const files f{{{"/sys/fs/cgroup/cpu.max", "max 100000\n"}}};
    EXPECT_FALSE(cpu_quota("0::/\n", f));
}

TEST(CpuQuota, TheTightestOfTheGroupAndThoseAboveIt) {
    const files f{{{"/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n"},
                   {"/sys/fs/cgroup/a/cpu.max", "150000 100000\n"},
                   {"/sys/fs/cgroup/cpu.max", "max 100000\n"}}};
    EXPECT_EQ(cpu_quota("0::/a/b\n", f), 1.5);
}

TEST(CpuQuota, AContainerSeesItsOwnGroupAsTheRoot) {
    const files f{{{"/sys/fs/cgroup/cpu.max", "200000 100000\n"}}};
    EXPECT_EQ(cpu_quota("0::/docker/of-the-host\n", f), 2.0);
}

TEST(CpuQuota, Version1) {
    const std::string group = "3:cpuset:/x\n4:cpu,cpuacct:/job\n0::/\n";
    const files f{{{"/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "50000\n"},
                   {"/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n"}}};
    EXPECT_EQ(cpu_quota(group, f), 0.5);
    const files unlimited{{{"/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n"},
                           {"/sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n"}}};
    EXPECT_FALSE(cpu_quota(group, unlimited));
}

TEST(CpuQuota, CpusetIsNotCpu) {
    const files f{{{"/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "50000\n"},
                   {"/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n"}}};
    EXPECT_FALSE(cpu_quota("3:cpuset:/x\n", f));
}

TEST(UsableCpus, AreAtLeastOneAndAscending) {
    const aura::core::usable_cpus found = aura::core::find_usable_cpus();
    ASSERT_FALSE(found.ids.empty());
    EXPECT_TRUE(std::is_sorted(found.ids.begin(), found.ids.end()));
    EXPECT_GE(found.count, 1u);
    EXPECT_LE(found.count, found.ids.size());
}

TEST(NumaOrder, NodeAfterNode) {
    const files f{{{"/sys/devices/system/node/online", "0-1\n"},
                   {"/sys/devices/system/node/node0/cpulist", "0-2,6\n"},
                   {"/sys/devices/system/node/node1/cpulist", "3-5,7\n"}}};
    using list = std::vector<unsigned>;
    EXPECT_EQ(aura::core::in_numa_order({0, 1, 2, 3, 4, 5, 6, 7}, f), (list{0, 1, 2, 6, 3, 4, 5, 7}));
    EXPECT_EQ(aura::core::in_numa_order({2, 3, 6}, f), (list{2, 6, 3}));
}

TEST(NumaOrder, WhatCannotBeReadComesLastAsItIs) {
    const files half{{{"/sys/devices/system/node/online", "0-1\n"},
                      {"/sys/devices/system/node/node1/cpulist", "1,9-nonsense\n"}}};
    EXPECT_EQ(aura::core::in_numa_order({0, 1, 4}, half), (std::vector<unsigned>{1, 0, 4}));
    EXPECT_EQ(aura::core::in_numa_order({3, 5}, files{}), (std::vector<unsigned>{3, 5}));
    EXPECT_EQ(aura::core::in_numa_order({3, 5}).size(), 2u);
}

} // namespace
