#include "eval/npy_matrix.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/half.h"
#include "eval/npz_archive.h"

static_assert(std::endian::native == std::endian::little, "values are taken as they lie");

namespace prefiqs::eval {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::string_view kMatlab = "MATLAB 5.0";
constexpr std::size_t kMaxHeader = 1 << 16;
constexpr std::uint64_t kMaxKept = std::uint64_t{1} << 29;  // of a deflated array: 2 GiB
constexpr std::uint64_t kMaxValues = std::uint64_t{1} << 34;
constexpr std::uint64_t kMaxColumns = std::uint64_t{1} << 20;  // a header alone, over no rows, must not claim memory

std::string_view After(std::string_view header, std::string_view key) {
  const std::size_t at = header.find(key);
  if (at == std::string_view::npos) return {};
  header.remove_prefix(at + key.size());
  while (!header.empty() && (header.front() == ' ' || header.front() == ':')) header.remove_prefix(1);
  return header;
}

struct Header {
  int bytes = 4;  // of a value: float16, float32 or float64
  bool by_columns = false;
  std::uint64_t rows = 0, columns = 0;
};

// The dictionary is Python's way to write three values; anything else than those of such a matrix is refused.
std::optional<Header> ParseHeader(std::string_view text) {
  Header header;
  const std::string_view type = After(text, "'descr'");
  header.bytes = type.starts_with("'<f2'") ? 2 : type.starts_with("'<f4'") ? 4 : type.starts_with("'<f8'") ? 8 : 0;
  if (header.bytes == 0) return std::nullopt;
  const std::string_view order = After(text, "'fortran_order'");
  header.by_columns = order.starts_with("True");
  if (!header.by_columns && !order.starts_with("False")) return std::nullopt;
  std::string_view shape = After(text, "'shape'");
  if (!shape.starts_with("(")) return std::nullopt;
  shape.remove_prefix(1);
  for (std::uint64_t* const size : {&header.rows, &header.columns}) {
    const auto [stop, error] = std::from_chars(shape.data(), shape.data() + shape.size(), *size);
    if (error != std::errc()) return std::nullopt;
    shape.remove_prefix(static_cast<std::size_t>(stop - shape.data()));
    while (!shape.empty() && (shape.front() == ',' || shape.front() == ' ')) shape.remove_prefix(1);
  }
  if (!shape.starts_with(")")) return std::nullopt;
  return header;
}

// FILE.npz:NAME -> FILE.npz and NAME; a file of that very name wins.
struct ArrayPath {
  std::string file, array;
};
ArrayPath SplitArray(const std::string& path) {
  constexpr std::string_view kArchive = ".npz:";
  std::error_code ignored;
  const std::size_t at = path.rfind(kArchive);
  if (at == std::string::npos || std::filesystem::exists(path, ignored)) return {path, {}};
  return {path.substr(0, at + kArchive.size() - 1), path.substr(at + kArchive.size())};
}

NpzMember TakeMember(const RegularFile& file, const std::string& array) {
  const std::vector<NpzMember> members = ListNpz(file);
  if (members.size() == 1 && array.empty()) return members[0];
  const auto found = std::ranges::find(members, array, &NpzMember::name);
  if (found != members.end()) return *found;
  constexpr std::size_t kMostNamed = 20;
  std::string names;
  for (std::size_t i = 0; i < std::min(members.size(), kMostNamed); ++i) {
    names += fmt::format("{}{}", i == 0 ? "" : ", ", Printable(members[i].name));
  }
  if (members.size() > kMostNamed) names += fmt::format(" and {} more", members.size() - kMostNamed);
  if (members.empty()) throw Error(ErrorCode::kIo, "there is no array in it");
  if (array.empty()) throw Error(ErrorCode::kIo, fmt::format("say which of its arrays, as FILE.npz:NAME: {}", names));
  throw Error(ErrorCode::kIo, fmt::format("there is no array {}; there are {}", Printable(array), names));
}

// What stands before the values. `read` fills a span with the next bytes, of which there are `size`.
template <typename Read>
Header ReadHeader(std::uint64_t size, Read&& read, std::uint64_t& length) {
  const auto fail = [](std::string_view cause) { return Error(ErrorCode::kIo, std::string(cause)); };
  std::array<std::uint8_t, 12> start{};
  if (size < start.size()) throw fail("too short for a .npy file");
  read(std::span(start).first(10));
  if (std::memcmp(start.data(), kMatlab.data(), kMatlab.size()) == 0) {
    throw fail(
        "a MATLAB file; save the matrix as .npy (Python: numpy.save(\"x.npy\", scipy.io.loadmat(\"x.mat\")[NAME]))");
  }
  if (std::memcmp(start.data(), kMagic.data(), kMagic.size()) != 0) throw fail("not a .npy file");
  const int version = start[6];
  if (version < 1 || version > 3) throw fail(fmt::format("version {} of .npy is not known", version));
  const std::size_t prefix = version == 1 ? 10 : 12;
  if (version > 1) read(std::span(start).subspan(10));
  std::uint64_t text_size = start[8] | std::uint64_t{start[9]} << 8;
  if (version > 1) text_size |= std::uint64_t{start[10]} << 16 | std::uint64_t{start[11]} << 24;
  if (text_size > kMaxHeader || prefix + text_size > size) throw fail("its header is cut off or too long");
  std::vector<std::uint8_t> text(text_size);
  read(std::span(text));
  const auto header = ParseHeader({reinterpret_cast<const char*>(text.data()), text.size()});
  if (!header) {
    constexpr std::size_t kMostShown = 100;
    const std::string_view there(reinterpret_cast<const char*>(text.data()), std::min(text.size(), kMostShown));
    throw fail(fmt::format("not two dimensions of little-endian float16, float32 or float64, but {}",
                           Printable(there.substr(0, there.find_last_not_of(" \n") + 1))));
  }
  if (header->columns == 0 || header->columns > kMaxColumns || header->rows > kMaxValues / header->columns) {
    throw fail("its size is out of range");
  }
  length = prefix + text_size;
  const std::uint64_t bytes = header->rows * header->columns * static_cast<std::uint64_t>(header->bytes);
  if (size - length < bytes) {
    throw fail(fmt::format("holds {} bytes of the {} that {}x{} values need", size - length, bytes, header->rows,
                           header->columns));
  }
  return *header;
}

// Values of `bytes` bytes each that `read` gives, as float32.
template <typename Read>
void ReadAs(int bytes, std::span<float> out, Read&& read) {
  const auto take = [&](auto values) {
    read(std::span(reinterpret_cast<std::uint8_t*>(values.data()), values.size_bytes()));
  };
  if (bytes == 4) {
    take(out);
  } else if (bytes == 8) {
    std::vector<double> wide(out.size());
    take(std::span(wide));
    std::ranges::transform(wide, out.begin(), [](double v) { return static_cast<float>(v); });
  } else {
    std::vector<std::uint16_t> narrow(out.size());
    take(std::span(narrow));
    std::ranges::transform(narrow, out.begin(), HalfToFloat);
  }
}

}  // namespace

NpyReader::NpyReader(const std::string& path) : path_(path) {
  try {
    const ArrayPath split = SplitArray(path);
    file_ = RegularFile::Open(split.file);
    if (!file_) throw Error(ErrorCode::kIo, "not a regular file");
    if (path.ends_with(".mat")) {
      throw Error(ErrorCode::kIo,
                  "a MATLAB file; save the matrix as .npy (Python: numpy.save(\"x.npy\", "
                  "scipy.io.loadmat(\"x.mat\")[NAME]))");
    }
    NpzMember member;
    member.bytes = static_cast<std::uint64_t>(file_->size());
    if (IsZip(*file_)) {
      member = TakeMember(*file_, split.array);
    } else if (!split.array.empty()) {
      throw Error(ErrorCode::kIo, "not an archive of arrays (.npz)");
    }
    std::int64_t next = member.start;
    std::optional<NpzInflater> inflater;
    if (member.deflated) inflater.emplace(*file_, member);
    const auto read = [&](std::span<std::uint8_t> out) {
      if (inflater) return inflater->Read(out);
      file_->Read(next, out);
      next += static_cast<std::int64_t>(out.size());
    };
    std::uint64_t length = 0;
    const Header header = ReadHeader(member.bytes, read, length);
    start_ = member.start + static_cast<std::int64_t>(length);
    bytes_ = header.bytes;
    rows_ = header.rows;
    columns_ = header.columns;
    keeps_ = header.by_columns || member.deflated;
    if (!keeps_) return;
    if (member.deflated && rows_ > kMaxKept / columns_) {
      throw Error(ErrorCode::kIo, fmt::format("{}x{} values are too many to inflate; store them by numpy.savez or "
                                              "numpy.save",
                                              rows_, columns_));
    }
    Keep(header.by_columns, read);
    if (inflater) inflater->Finish();
  } catch (const Error& error) {
    throw Error(ErrorCode::kIo, fmt::format("{}: {}", Printable(path), error.what()));
  }
}

// Grows as the values come: what a file claims, it must hold.
template <typename Read>
void NpyReader::Keep(bool by_columns, Read&& read) {
  std::vector<float>& values = kept_.values;
  std::vector<float> line(by_columns ? rows_ : columns_);
  for (std::size_t i = 0; i < (by_columns ? columns_ : rows_); ++i) {
    ReadAs(bytes_, line, read);
    values.insert(values.end(), line.begin(), line.end());
  }
  if (by_columns) {
    std::vector<float> turned(values.size());
    for (std::size_t c = 0; c < columns_; ++c) {
      for (std::size_t r = 0; r < rows_; ++r) turned[r * columns_ + c] = values[c * rows_ + r];
    }
    values = std::move(turned);
  }
  kept_.rows = rows_;
  kept_.columns = columns_;
}

void NpyReader::ReadRow(std::size_t i, std::span<float> out) const {
  if (!keeps_) return ReadValues(i * columns_, out);
  std::ranges::copy(kept_.Row(i), out.begin());
}

void NpyReader::ReadValues(std::size_t first, std::span<float> out) const {
  try {
    ReadAs(bytes_, out, [&](std::span<std::uint8_t> bytes) {
      file_->Read(start_ + static_cast<std::int64_t>(first) * bytes_, bytes);
    });
  } catch (const Error& error) {
    throw Error(ErrorCode::kIo, fmt::format("{}: {}", Printable(path_), error.what()));
  }
}

}  // namespace prefiqs::eval
