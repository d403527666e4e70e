#include "base/shipped.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <prefiqs/error.h>

#include <filesystem>

#include "base/file.h"

namespace prefiqs {
namespace {

namespace fs = std::filesystem;

constexpr int kFoldersAbove = 4;

fs::path ThisFile() {
  std::error_code error;
  Dl_info where{};
  if (dladdr(reinterpret_cast<const void*>(&ShippedFile), &where) != 0 && where.dli_fname != nullptr) {
    // For code linked into the program this is how it was called, which may be a bare name.
    const fs::path path = fs::canonical(where.dli_fname, error);
    if (!error && fs::is_regular_file(path, error)) return path;
  }
  return fs::read_symlink("/proc/self/exe", error);
}

}  // namespace

std::string ShippedFile(std::string_view name) {
  const fs::path file = ThisFile();
  fs::path folder = file.parent_path();
  for (int i = 0; i <= kFoldersAbove && !folder.empty(); ++i) {
    std::error_code ignored;
    const fs::path candidate = folder / "share/prefiqs" / name;
    if (fs::exists(candidate, ignored)) return candidate.string();
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  throw Error(ErrorCode::kIo, fmt::format("share/prefiqs/{} lies nowhere around {}: the installation is not whole; "
                                          "install it again, or name a file of your own",
                                          name, Printable(file.string())));
}

}  // namespace prefiqs
