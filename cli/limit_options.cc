#include "cli/limit_options.h"

#include <fmt/format.h>
#include <prefiqs/assessor.h>

#include <cstdint>
#include <string>

#include "cli/arguments.h"
#include "cli/messages.h"

namespace prefiqs::cli {

CLI::Option* AddThreadsOption(CLI::App& app, int& threads) {
  threads = 0;
  const auto take = [&threads](int asked) {
    threads = asked;
    WarnOfThreads(asked);
  };
  return app
      .add_option_function<int>("--threads", take,
                                "0: as many as this process may use at a time, by CPU affinity and cgroup quota [0]")
      ->type_name("N")
      ->check(FromZero<int>());
}

void WarnOfThreads(int threads) {
  const int usable = usable_processors();
  if (threads <= usable) return;
  Say(
      fmt::format("prefiqs: --threads {}: this process may use {} at a time (CPU affinity and cgroup "
                  "quota); more threads than that share them\n",
                  threads, Count(usable, "processor")));
}

CLI::Option* AddMaxPixelsOption(CLI::App& app, ImageLimits& limits) {
  return app
      .add_option(
          "--max-pixels", limits.max_pixels,
          "Pictures of more pixels are not read: too_large. Memory grows with it: a whole picture takes 3 bytes "
          "a pixel and more; JPEGs of more than 100 megapixels, unless progressive, are searched reduced and "
          "take less [100000000; of JPEGs that are not progressive 201326592]")
      ->type_name("N")
      ->check(AboveZero<std::int64_t>());
}

}  // namespace prefiqs::cli
