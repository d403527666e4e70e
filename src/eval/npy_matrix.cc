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
#include <limits>
#include <optional>
#include <string_view>

#include "base/half.h"

static_assert(std::endian::native == std::endian::little, "values are taken as they lie");

namespace prefiqs::eval {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 1 << 16;
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

}  // namespace

NpyReader::NpyReader(const std::string& path) : path_(path) {
  const auto fail = [&](std::string_view cause) {
    return Error(ErrorCode::kIo, fmt::format("{}: {}", Printable(path), cause));
  };
  try {
    file_ = RegularFile::Open(path);
  } catch (const Error& error) {
    throw fail(error.what());
  }
  if (!file_) throw fail("not a regular file");
  const auto size = static_cast<std::uint64_t>(file_->size());
  std::array<std::uint8_t, 12> start{};
  if (size < start.size()) throw fail("too short for a .npy file");
  file_->Read(0, start);
  if (std::memcmp(start.data(), "MATLAB 5.0", 10) == 0 || path.ends_with(".mat")) {
    throw fail(
        "a MATLAB file; save the matrix as .npy (Python: numpy.save(\"x.npy\", scipy.io.loadmat(\"x.mat\")[NAME]))");
  }
  if (std::memcmp(start.data(), kMagic.data(), kMagic.size()) != 0) throw fail("not a .npy file");
  const int version = start[6];
  if (version < 1 || version > 3) throw fail(fmt::format("version {} of .npy is not known", version));
  const std::size_t prefix = version == 1 ? 10 : 12;
  std::uint64_t length = start[8] | std::uint64_t{start[9]} << 8;
  if (version > 1) length |= std::uint64_t{start[10]} << 16 | std::uint64_t{start[11]} << 24;
  if (length > kMaxHeader || prefix + length > size) throw fail("its header is cut off or too long");
  std::vector<std::uint8_t> text(length);
  file_->Read(static_cast<std::int64_t>(prefix), text);
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
  const std::uint64_t bytes = header->rows * header->columns * static_cast<std::uint64_t>(header->bytes);
  if (size - prefix - length < bytes) {
    throw fail(fmt::format("holds {} bytes of the {} that {}x{} values need", size - prefix - length, bytes,
                           header->rows, header->columns));
  }
  start_ = static_cast<std::int64_t>(prefix + length);
  bytes_ = header->bytes;
  rows_ = header->rows;
  columns_ = header->columns;
  if (!header->by_columns) return;
  kept_ = {.rows = rows_, .columns = columns_, .values = std::vector<float>(rows_ * columns_)};
  std::vector<float> column(rows_);
  for (std::size_t c = 0; c < columns_; ++c) {
    ReadValues(c * rows_, column);
    for (std::size_t r = 0; r < rows_; ++r) kept_.values[r * columns_ + c] = column[r];
  }
}

void NpyReader::ReadRow(std::size_t i, std::span<float> out) const {
  if (kept_.values.empty()) return ReadValues(i * columns_, out);
  std::ranges::copy(kept_.Row(i), out.begin());
}

void NpyReader::ReadValues(std::size_t first, std::span<float> out) const {
  const auto read = [&](auto values) {
    file_->Read(start_ + static_cast<std::int64_t>(first * sizeof(values[0])),
                {reinterpret_cast<std::uint8_t*>(values.data()), values.size_bytes()});
  };
  try {
    if (bytes_ == 4) {
      read(out);
    } else if (bytes_ == 8) {
      std::vector<double> wide(out.size());
      read(std::span(wide));
      std::ranges::transform(wide, out.begin(), [](double v) { return static_cast<float>(v); });
    } else {
      std::vector<std::uint16_t> narrow(out.size());
      read(std::span(narrow));
      std::ranges::transform(narrow, out.begin(), HalfToFloat);
    }
  } catch (const Error& error) {
    throw Error(ErrorCode::kIo, fmt::format("{}: {}", Printable(path_), error.what()));
  }
}

}  // namespace prefiqs::eval
