#include "input/source.h"

#include <dirent.h>
#include <fmt/format.h>
#include <prefiqs/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "input/byte_reader.h"
#include "input/verification_bin.h"

namespace prefiqs::input {
namespace {

constexpr std::string_view kPictureExtensions[] = {"jpg", "jpeg", "jpe", "jfif", "png", "webp", "jp2", "j2k",
                                                   "j2c", "jpf",  "pgm", "ppm",  "pbm", "pnm",  "pam"};

// Ten million paths of a hundred bytes.
constexpr std::int64_t kMaxListBytes = std::int64_t{1} << 30;

Error Failed(const std::string& path, const char* what, int error) {
  return Error(ErrorCode::kIo, fmt::format("{}: {}: {}", Printable(path), what, std::strerror(error)));
}

// In lower case, without the dot; empty when there is none.
std::string Extension(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  std::string extension(dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1));
  for (char& c : extension) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return extension;
}

// Names in a folder but for itself and the one above it, sorted by bytes.
std::vector<std::string> Names(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(folder.c_str()), ::closedir);
  if (handle == nullptr) throw Failed(folder, "cannot read the folder", errno);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(handle.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) throw Failed(folder, "cannot read the folder", errno);
  std::sort(names.begin(), names.end());
  return names;
}

struct Skipped {
  std::string path, kind;
};

std::string KindOf(std::string_view name) {
  const std::string extension = Extension(name);
  return extension.empty() ? std::string(kNoSuffix) : '.' + extension;
}

// std::string compares as unsigned bytes, so that sorting does not depend on a locale.
std::vector<std::string> PicturesBelow(const std::string& root, const OnSkipped& on_skipped) {
  std::vector<std::string> pictures;
  std::vector<Skipped> skipped;
  const auto skip = [&](std::string path, std::string kind) {
    if (on_skipped) skipped.push_back({std::move(path), std::move(kind)});
  };
  std::set<std::pair<dev_t, ino_t>> entered;
  std::vector<std::string> pending = {root};  // a stack: folders may be nested deeper than calls
  while (!pending.empty()) {
    const std::string folder = std::move(pending.back());
    pending.pop_back();
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) throw Failed(folder, "cannot read the folder", errno);
    if (!entered.emplace(status.st_dev, status.st_ino).second) continue;
    const std::vector<std::string> names = Names(folder);
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      std::string path = folder.ends_with('/') ? folder + *name : folder + '/' + *name;
      if (name->starts_with('.')) {
        skip(std::move(path), std::string(kHidden));
        continue;
      }
      const bool picture = HasPictureSuffix(*name);
      if (::stat(path.c_str(), &status) != 0) {
        // A link to nowhere, or gone meanwhile: a row that says so, if it would have been a picture.
        if (picture) {
          pictures.push_back(std::move(path));
        } else {
          skip(std::move(path), KindOf(*name));
        }
      } else if (S_ISDIR(status.st_mode)) {
        pending.push_back(std::move(path));
      } else if (!S_ISREG(status.st_mode)) {
        skip(std::move(path), std::string(kNoRegularFile));
      } else if (picture) {
        pictures.push_back(std::move(path));
      } else {
        skip(std::move(path), KindOf(*name));
      }
    }
  }
  std::sort(pictures.begin(), pictures.end());
  std::ranges::sort(skipped, {}, &Skipped::path);
  for (const Skipped& one : skipped) on_skipped(one.path, one.kind);
  return pictures;
}

void AddSet(const std::string& path, std::vector<Item>& items) {
  const VerificationSet set = ReadVerificationBin(path);
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    const EncodedImage& image = set.images[i];
    items.push_back(
        {.name = NameInSet(path, i), .path = path, .offset = image.offset, .length = image.length, .held = image.held});
  }
}

// False for a pickle of another kind whose name does not promise a set: it is a picture that cannot be decoded, and the
// run goes on.
bool AddIfSet(const std::string& path, std::vector<Item>& items) {
  if (!IsVerificationSet(path)) return false;
  const std::size_t before = items.size();
  try {
    AddSet(path, items);
  } catch (const Error&) {
    if (IsNamedBin(path)) throw;
    items.resize(before);
    return false;
  }
  return true;
}

void AddList(std::string_view text, const std::string& list, std::vector<Item>& items) {
  const std::size_t before = items.size();
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // as some editors put in front
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (int line_number = 1; !text.empty(); ++line_number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (line.find('\0') != std::string_view::npos) {
      throw Error(ErrorCode::kIo,
                  fmt::format("{}: line {}: a zero byte cannot be part of a path; write one path a line",
                              Printable(list), line_number));
    }
    const std::string path(line);
    struct stat status {};
    const bool looked_into = !HasPictureSuffix(path) && ::stat(path.c_str(), &status) == 0;
    if (!looked_into || !AddIfSet(path, items)) items.push_back({.name = path, .regular_only = true});
  }
  if (items.size() == before)
    throw Error(ErrorCode::kIo, fmt::format("{}: the list names no picture", Printable(list)));
}

std::string ReadStandardInput() {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    // Also where a signal came in between: who waits for a list at a terminal wants to be able to stop.
    if (count < 0) throw Failed("standard input", "cannot read", errno);
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (static_cast<std::int64_t>(text.size()) > kMaxListBytes) {
      throw Error(ErrorCode::kIo, fmt::format("standard input: larger than the limit of {} bytes", kMaxListBytes));
    }
  }
}

void AddInput(const std::string& input, const OnSkipped& on_skipped, std::vector<Item>& items) {
  if (input == "-") return AddList(ReadStandardInput(), "standard input", items);
  if (input.starts_with('@')) {
    const std::string list = input.substr(1);
    const std::vector<std::uint8_t> bytes = ReadFile(list, kMaxListBytes);
    return AddList({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, list, items);
  }
  struct stat status {};
  if (::stat(input.c_str(), &status) != 0) throw Failed(input, "cannot open", errno);
  if (!S_ISDIR(status.st_mode)) {
    if (!AddIfSet(input, items)) items.push_back({.name = input});
    return;
  }
  const std::vector<std::string> pictures = PicturesBelow(input, on_skipped);
  if (pictures.empty()) {
    throw Error(ErrorCode::kIo, fmt::format("{}: no picture in this folder or below; looked for .{}; files of other "
                                            "names are read when they are named",
                                            Printable(input), fmt::join(kPictureExtensions, " .")));
  }
  for (const std::string& path : pictures) {
    items.push_back({.name = path, .regular_only = true});
  }
}

DecodedImage ReadPart(const Item& item, const ImageLimits& limits) {
  if (static_cast<std::uint64_t>(item.length) > limits.max_file_bytes) {
    return {{},
            Status::kTooLarge,
            fmt::format("{} bytes are more than the limit of {}", item.length, limits.max_file_bytes)};
  }
  const std::unique_ptr<RandomAccess> file = OpenFile(item.file());
  if (item.length < 0 || item.offset > file->size() || item.length > file->size() - item.offset)
    return {{}, Status::kUnreadable, "the file became shorter since it was listed"};
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(item.length));
  file->Read(item.offset, bytes);
  return Image::decode(bytes, limits);
}

}  // namespace

std::vector<Item> ListItems(const std::vector<std::string>& inputs, const OnSkipped& on_skipped) {
  if (std::count(inputs.begin(), inputs.end(), "-") > 1)
    throw Error(ErrorCode::kUsage, "-: standard input can be named only once");
  std::vector<Item> items;
  for (const std::string& input : inputs) AddInput(input, on_skipped, items);
  for (std::size_t i = 0; i < items.size(); ++i) items[i].number = static_cast<std::int64_t>(i) + 1;
  return items;
}

bool HasPictureSuffix(std::string_view name) {
  return std::find(std::begin(kPictureExtensions), std::end(kPictureExtensions), Extension(name)) !=
         std::end(kPictureExtensions);
}

DecodedImage Read(const Item& item, const ImageLimits& limits) {
  if (item.held != nullptr) return Image::decode(*item.held, limits);
  struct stat status {};
  if (item.regular_only && ::stat(item.file().c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return {{}, Status::kUnreadable, "is no regular file"};
  }
  if (item.offset < 0) return Image::open(item.file(), limits);
  try {
    return ReadPart(item, limits);
  } catch (const Error& error) {
    return {{}, Status::kUnreadable, error.what()};
  } catch (const std::bad_alloc&) {
    return {{}, Status::kTooLarge, "not enough memory for its bytes"};
  }
}

}  // namespace prefiqs::input
