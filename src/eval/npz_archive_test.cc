// Archives of arrays, as numpy.savez and numpy.savez_compressed write them; tests/cli reads real ones.
#include "eval/npz_archive.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/folder_for_test.h"
#include "eval/npy_matrix.h"
#include "eval/refused_for_test.h"

namespace prefiqs::eval {
namespace {

std::string Little(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

std::string Deflated(const std::string& data) {
  z_stream zlib{};
  deflateInit2(&zlib, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&zlib, data.size()), 0);
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  zlib.avail_in = static_cast<uInt>(data.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&zlib, Z_FINISH), Z_STREAM_END);
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  return out;
}

struct Entry {
  std::string name, data;
  bool deflated = false, zip64 = false;
  int method = -1;            // in place of the right one
  std::int64_t claimed = -1;  // in place of the right size
  int flags = 0;
};

std::string Zip(const std::vector<Entry>& entries) {
  std::string file, directory;
  for (const Entry& entry : entries) {
    const std::string stored = entry.deflated ? Deflated(entry.data) : entry.data;
    const std::string method = Little(entry.method >= 0 ? static_cast<unsigned>(entry.method)
                                      : entry.deflated  ? 8
                                                        : 0,
                                      2);
    const auto size = entry.claimed >= 0 ? static_cast<std::uint64_t>(entry.claimed) : entry.data.size();
    const std::string crc =
        Little(crc32(0, reinterpret_cast<const Bytef*>(entry.data.data()), static_cast<uInt>(entry.data.size())), 4);
    const std::string extra =
        Little(1, 2) + Little(24, 2) + Little(size, 8) + Little(stored.size(), 8) + Little(file.size(), 8);
    directory +=
        Little(0x02014b50, 4) + Little(45, 2) + Little(20, 2) + Little(static_cast<unsigned>(entry.flags), 2) + method +
        Little(0, 4) + crc + (entry.zip64 ? std::string(8, '\xff') : Little(stored.size(), 4) + Little(size, 4)) +
        Little(entry.name.size(), 2) + Little(entry.zip64 ? extra.size() : 0, 2) + Little(0, 2) + Little(0, 2) +
        Little(0, 2) + Little(0, 4) + (entry.zip64 ? std::string(4, '\xff') : Little(file.size(), 4)) + entry.name +
        (entry.zip64 ? extra : std::string());
    file += Little(0x04034b50, 4) + Little(45, 2) + Little(0, 2) + method + Little(0, 4) + crc +
            Little(stored.size(), 4) + Little(size, 4) + Little(entry.name.size(), 2) + Little(5, 2) + entry.name +
            "extra" + stored;
  }
  const std::size_t start = file.size();
  return file + directory + Little(0x06054b50, 4) + Little(0, 4) + Little(entries.size(), 2) +
         Little(entries.size(), 2) + Little(directory.size(), 4) + Little(start, 4) + Little(0, 2);
}

// rows x 3 of float32 that count up.
std::string Array(int rows, const char* order = "False") {
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': {}, 'shape': ({}, 3), }}", order, rows);
  header.resize(117, ' ');
  header += '\n';
  std::string data(static_cast<std::size_t>(rows) * 12, 0);
  for (int i = 0; i < 3 * rows; ++i) {
    const auto value = static_cast<float>(i);
    std::memcpy(data.data() + 4 * i, &value, 4);
  }
  return std::string("\x93NUMPY\x01\x00", 8) + Little(header.size(), 2) + header + data;
}

class Npz : public testing::Test {
 protected:
  std::string Write(const std::string& content) {
    std::filesystem::remove(folder / "x.npz");  // to write over a file waits for the disk
    Fill(folder / "x.npz", content);
    return folder / "x.npz";
  }
  void ExpectCounts(const std::string& path, std::size_t rows) {
    const NpyReader file(path);
    ASSERT_EQ(file.rows(), rows);
    ASSERT_EQ(file.columns(), 3u);
    std::vector<float> row(3);
    for (std::size_t i = 0; i < rows; ++i) {
      file.ReadRow(i, row);
      for (std::size_t k = 0; k < 3; ++k) ASSERT_EQ(row[k], static_cast<float>(3 * i + k));
    }
  }
  std::string RefusedOf(const std::string& content, const std::string& array = ":a") {
    return Refused([&] { NpyReader(Write(content) + array); });
  }
  FolderForTest folder;
};

TEST_F(Npz, HoldsNamedArraysStoredAndDeflated) {
  for (const bool deflated : {false, true}) {
    for (const bool zip64 : {false, true}) {
      const std::string path = Write(Zip({{"a.npy", Array(2), deflated, zip64},
                                          {"notes.txt", "no array"},
                                          {"emb/b.npy", Array(5000), deflated, zip64}}));
      ExpectCounts(path + ":a", 2);
      ExpectCounts(path + ":emb/b", 5000);
    }
  }
  ExpectCounts(Write(Zip({{"arr_0.npy", Array(7), true}})), 7);  // the only one needs no name
}

TEST_F(Npz, HoldsArraysOfFortranOrder) {
  for (const bool deflated : {false, true}) {
    const NpyReader file(Write(Zip({{"a.npy", Array(2, "True"), deflated}})));
    std::vector<float> row(3);
    file.ReadRow(1, row);
    EXPECT_EQ(row, (std::vector<float>{1, 3, 5}));
  }
}

TEST_F(Npz, NamesItsArraysWhereOneIsWanted) {
  const std::string two = Zip({{"a.npy", Array(1)}, {"b.npy", Array(1)}});
  EXPECT_NE(RefusedOf(two, ":c").find("x.npz:c: there is no array c; there are a, b"), std::string::npos)
      << RefusedOf(two, ":c");
  EXPECT_NE(RefusedOf(two, "").find("say which of its arrays, as FILE.npz:NAME: a, b"), std::string::npos);
  EXPECT_NE(RefusedOf(Zip({{"a.txt", "x"}}), "").find("there is no array in it"), std::string::npos);
  EXPECT_NE(RefusedOf(Zip({}), "").find("there is no array in it"), std::string::npos);
  EXPECT_NE(RefusedOf(Array(1)).find("not an archive of arrays"), std::string::npos);
}

TEST_F(Npz, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(RefusedOf(Zip({{.name = "a.npy", .data = Array(1), .method = 14}})).find("compressed by method 14"),
            std::string::npos);
  EXPECT_NE(RefusedOf(Zip({{.name = "a.npy", .data = Array(1), .flags = 1}})).find("encrypted"), std::string::npos);
  EXPECT_NE(RefusedOf(Zip({{"a.npy", "no array at all", true}})).find("not a .npy file"), std::string::npos);
}

// A few bytes that claim much: refused by the claim, or when the data end.
TEST_F(Npz, RefusesBombs) {
  const auto claims = [&](std::int64_t bytes, int rows) {
    std::string array = Array(rows).substr(0, 128);
    return Zip({{.name = "a.npy", .data = array, .deflated = true, .claimed = bytes}});
  };
  EXPECT_NE(RefusedOf(claims(0xFFFFFFF0, 1)).find("more than its"), std::string::npos);
  EXPECT_NE(RefusedOf(claims(128 + 12 * 5000, 5000)).find("end early"), std::string::npos);
  EXPECT_NE(RefusedOf(claims(128 + 12, 5000)).find("bytes of the 60000"), std::string::npos);
  // More than is kept, were it there.
  std::string large = Array(0);
  large.replace(large.find("(0, 3)"), 14, "(700000000, 3)");
  const std::string stored = Deflated(std::string(std::size_t{16} << 20, 0));
  EXPECT_NE(
      RefusedOf(
          Zip({{.name = "a.npy", .data = large + std::string(std::size_t{9} << 20, 'x') + stored, .zip64 = true}}))
          .find("values need"),
      std::string::npos);
}

TEST_F(Npz, HandlesEveryTruncationAndCorruption) {
  for (const bool deflated : {false, true}) {
    const std::string good = Zip({{"a.npy", Array(4), deflated, deflated}, {"b.npy", Array(1), deflated}});
    ExpectCounts(Write(good) + ":a", 4);
    for (std::size_t size = 0; size < good.size(); ++size) {
      EXPECT_NE(RefusedOf(good.substr(0, size)), "nothing was thrown") << size;
    }
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (const int flip : {0x01, 0x80, 0xFF}) {
        std::string spoilt = good;
        spoilt[i] = static_cast<char>(spoilt[i] ^ flip);
        try {
          const NpyReader file(Write(spoilt) + ":a");
          // A stored array has no checksum that rows could be read by; a deflated one is what it was.
          if (deflated) ExpectCounts(folder / "x.npz:a", 4);
        } catch (const Error& error) {
          EXPECT_NE(std::string(error.what()).find("x.npz"), std::string::npos) << error.what();
        }
      }
    }
  }
}

}  // namespace
}  // namespace prefiqs::eval
