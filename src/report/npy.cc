#include "report/npy.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <array>
#include <bit>
#include <string_view>

#include "base/file.h"

static_assert(std::endian::native == std::endian::little, "the header says '<f4' and rows are written as they lie");

namespace prefiqs::report {
namespace {

// A multiple of 64, as the format asks for, with room for two 19-digit numbers.
constexpr std::size_t kHeaderBytes = 128;
constexpr std::string_view kMagic{"\x93NUMPY\x01\x00", 8};

std::string Header(std::int64_t rows, int row_width) {
  std::string header(kMagic);
  const std::size_t length = kHeaderBytes - kMagic.size() - 2;
  header += static_cast<char>(length & 0xff);
  header += static_cast<char>(length >> 8);
  header += fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, row_width);
  header.resize(kHeaderBytes - 1, ' ');
  header += '\n';
  return header;
}

}  // namespace

NpyFile::NpyFile(const std::string& path, OpenMode mode, int row_width, bool without_lock)
    : file_(path, mode, without_lock), row_width_(row_width) {
  if (!file_.regular()) {
    throw Error(ErrorCode::kIo,
                fmt::format("{}: embeddings need a regular file, whose header can be rewritten", Printable(path)));
  }
  // Shorter than a header: its writer was stopped in the first instant.
  if (file_.size() >= static_cast<std::int64_t>(kHeaderBytes)) {
    CheckHeader();
    rows_ = (file_.size() - static_cast<std::int64_t>(kHeaderBytes)) /
            (static_cast<std::int64_t>(sizeof(float)) * row_width_);
  } else {
    file_.Truncate(0);
    file_.Append(Header(0, row_width_));
  }
}

void NpyFile::CheckHeader() const {
  std::array<char, kHeaderBytes> bytes{};
  file_.ReadAt(0, bytes);
  const std::string_view header(bytes.data(), bytes.size());
  const std::string_view expected_start = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  const std::string expected_width = fmt::format(", {}), }}", row_width_);
  if (!header.starts_with(kMagic) || header.substr(kMagic.size() + 2, expected_start.size()) != expected_start ||
      header.find(expected_width) == std::string_view::npos) {
    throw Error(ErrorCode::kIo,
                fmt::format("{}: not a file of {}-element float32 rows that prefiqs began; give another "
                            "name, or --force to start over",
                            Printable(file_.path()), row_width_));
  }
}

std::vector<float> NpyFile::Row(std::int64_t index) const {
  std::vector<float> row(static_cast<std::size_t>(row_width_));
  const auto bytes = static_cast<std::int64_t>(row.size() * sizeof(float));
  file_.ReadAt(static_cast<std::int64_t>(kHeaderBytes) + index * bytes,
               {reinterpret_cast<char*>(row.data()), static_cast<std::size_t>(bytes)});
  return row;
}

void NpyFile::WriteHeader() { file_.WriteAt(0, Header(rows_, row_width_)); }

void NpyFile::Append(std::span<const float> values) {
  file_.Append({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  rows_ += static_cast<std::int64_t>(values.size()) / row_width_;
  WriteHeader();
}

void NpyFile::Truncate(std::int64_t rows) {
  rows_ = rows;
  WriteHeader();  // first, so that it never promises more than there is
  file_.Truncate(static_cast<std::int64_t>(kHeaderBytes) +
                 rows * row_width_ * static_cast<std::int64_t>(sizeof(float)));
}

}  // namespace prefiqs::report
