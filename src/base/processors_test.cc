#include "base/processors.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <prefiqs/assessor.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>

#include "base/folder_for_test.h"
#include "base/parallel.h"

namespace prefiqs {
namespace {

// A machine's /proc and its cgroups, as folders.
class Machine {
 public:
  void Put(const std::string& path, const std::string& text) {
    const std::string whole = fmt::format("{}{}", folder_.path(), path);
    std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
    Fill(whole, text);
  }
  void PutGroups(const std::string& text) { Put("/proc/self/cgroup", text); }
  void PutMounts(const std::string& text) { Put("/proc/self/mountinfo", text); }
  std::optional<double> Quota() const { return CpuQuota(folder_.path()); }

 private:
  FolderForTest folder_;
};

constexpr const char* kVersion2 = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kVersion1 =
    "25 22 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
    "33 32 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "34 32 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 master:3 - cgroup cgroup rw,cpu,cpuacct\n";

TEST(CpuQuota, IsNoneWhereNothingSaysOne) {
  Machine machine;
  EXPECT_FALSE(machine.Quota());  // no /proc at all
  machine.PutGroups("0::/user.slice/run\n");
  EXPECT_FALSE(machine.Quota());
  machine.PutMounts(kVersion2);
  EXPECT_FALSE(machine.Quota());
  machine.Put("/sys/fs/cgroup/user.slice/run/cpu.max", "max 100000\n");
  EXPECT_FALSE(machine.Quota());
}

TEST(CpuQuota, IsTheSmallestOfAllGroupsAboveInVersion2) {
  Machine machine;
  machine.PutGroups("0::/a/b/c\n");
  machine.PutMounts(kVersion2);
  machine.Put("/sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
  EXPECT_EQ(machine.Quota(), 4.0);
  machine.Put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  EXPECT_EQ(machine.Quota(), 1.5);
  machine.Put("/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(machine.Quota(), 0.5);
  machine.Put("/sys/fs/cgroup/a/other/cpu.max", "1000 100000\n");  // of somebody else
  EXPECT_EQ(machine.Quota(), 0.5);
  machine.Put("/sys/fs/cgroup/cpu.max", "10000 50000\n");
  EXPECT_EQ(machine.Quota(), 0.2);
}

TEST(CpuQuota, IsTheSmallestOfAllGroupsAboveInVersion1) {
  Machine machine;
  machine.PutGroups("9:memory:/m\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/s\n");
  machine.PutMounts(kVersion1);
  const std::string at = "/sys/fs/cgroup/cpu,cpuacct";
  machine.Put(at + "/cpu.cfs_quota_us", "-1\n");
  machine.Put(at + "/cpu.cfs_period_us", "100000\n");
  EXPECT_FALSE(machine.Quota());
  machine.Put(at + "/docker/x/cpu.cfs_quota_us", "250000\n");
  EXPECT_FALSE(machine.Quota());  // without a period it says nothing
  machine.Put(at + "/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(machine.Quota(), 2.5);
  machine.Put(at + "/docker/cpu.cfs_quota_us", "20000\n");
  machine.Put(at + "/docker/cpu.cfs_period_us", "10000\n");
  EXPECT_EQ(machine.Quota(), 2.0);
}

TEST(CpuQuota, TakesTheSmallerOfBothVersions) {
  Machine machine;
  machine.PutGroups("4:cpu:/one\n0::/two\n");
  machine.PutMounts(fmt::format("{}40 32 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", kVersion1));
  machine.Put("/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_quota_us", "300000");
  machine.Put("/sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_period_us", "100000");
  EXPECT_EQ(machine.Quota(), 3.0);
  machine.Put("/sys/fs/cgroup/unified/two/cpu.max", "200000 100000");
  EXPECT_EQ(machine.Quota(), 2.0);
}

// A container sees a part of the tree: its own group is the root of the mount, or lies outside of what it sees.
TEST(CpuQuota, FindsTheGroupOfAContainer) {
  for (const std::string group : {"/docker/x", "/", "/../../y", "/docker/xyz"}) {
    SCOPED_TRACE(group);
    Machine machine;
    machine.PutGroups(fmt::format("0::{}\n", group));
    machine.PutMounts("30 24 0:26 /docker/x /mnt/c\\040groups ro - cgroup2 cgroup rw\n");
    machine.Put("/mnt/c groups/cpu.max", "100000 100000\n");
    EXPECT_EQ(machine.Quota(), 1.0);
  }
  Machine machine;
  machine.PutGroups("0::/docker/x/inner\n");
  machine.PutMounts("30 24 0:26 /docker/x /mnt rw - cgroup2 cgroup rw\n");
  machine.Put("/mnt/inner/cpu.max", "300000 100000\n");
  EXPECT_EQ(machine.Quota(), 3.0);
}

// As a kernel that is only imitated may write it. The folder of the mount is what is left to ask.
TEST(CpuQuota, TakesAGroupThatIsNoPath) {
  Machine machine;
  machine.PutGroups("0::abc\n");
  machine.PutMounts(kVersion2);
  machine.Put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(machine.Quota(), 2.0);
}

TEST(CpuQuota, PassesOverWhatMakesNoSense) {
  Machine machine;
  machine.PutGroups("0::/g\n");
  machine.PutMounts(kVersion2);
  for (const char* text : {"", "\n", "100000", "0 100000", "100000 0", "-5 100000", "100000 x", "1e5 100000",
                           "99999999999999999999 100000", "1 2 3"}) {
    machine.Put("/sys/fs/cgroup/g/cpu.max", text);
    EXPECT_FALSE(machine.Quota()) << text;
  }
}

TEST(CpuQuota, TakesAnyBytes) {
  std::mt19937 random(1);
  constexpr std::string_view kBytes = "0:/.- \n\\cpu1max,2";
  for (int i = 0; i < 300; ++i) {
    const auto text = [&](std::string start) {
      for (unsigned size = random() % 120; size > 0; --size) start += kBytes[random() % kBytes.size()];
      return start;
    };
    Machine machine;
    machine.PutGroups(text("0::/"));
    machine.PutMounts(fmt::format("{} /sys rw - cgroup2 cgroup rw\n{}", text("30 24 0:26 / "), text("")));
    machine.Put("/sys/cpu.max", text("1"));
    const std::optional<double> quota = machine.Quota();
    EXPECT_TRUE(!quota || *quota > 0) << *quota;
  }
}

TEST(UsableProcessors, AreWhatZeroThreadsMean) {
  EXPECT_GE(UsableProcessors(), 1);
  EXPECT_EQ(ThreadCount(0), UsableProcessors());
  EXPECT_EQ(usable_processors(), UsableProcessors());
  EXPECT_EQ(ThreadCount(7), 7);
}

// Binds this process to one processor, then asks, which it has not done before.
[[noreturn]] void AskOfOneProcessor() {
  cpu_set_t allowed, one;
  CPU_ZERO(&allowed);
  CPU_ZERO(&one);
  ::sched_getaffinity(0, sizeof(allowed), &allowed);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &one);
  }
  ::sched_setaffinity(0, sizeof(one), &one);
  ::_exit(UsableProcessors() == 1 ? 0 : 1);
}

// The death test runs in a process of its own.
TEST(UsableProcessors, HeedAffinity) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(AskOfOneProcessor(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace prefiqs
