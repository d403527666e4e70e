// How many processors this process may use at the same time.
#ifndef PREFIQS_BASE_PROCESSORS_H_
#define PREFIQS_BASE_PROCESSORS_H_

#include <optional>
#include <string>

namespace prefiqs {

// The CPU time that cgroups allow, in processors: the smallest quota of the process's own group and of all groups above
// it, of version 1 (cpu.cfs_quota_us and cpu.cfs_period_us) and of version 2 (cpu.max). 0.5 is half of a processor.
// Empty where no group sets one. What cannot be read or makes no sense sets none. `root` stands in front of every path
// that is read, /proc/self/cgroup first: empty for this machine, a folder for tests.
std::optional<double> CpuQuota(const std::string& root);

// The smaller of the processors that the scheduler lets this process run on (its CPU affinity) and of the quota of this
// machine, rounded up; at least 1. It is found out once, at the first call: everything that is sized by it agrees.
int UsableProcessors();

}  // namespace prefiqs

#endif  // PREFIQS_BASE_PROCESSORS_H_
