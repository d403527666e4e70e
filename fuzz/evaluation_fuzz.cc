// Bytes to what an evaluation reads: tables, lists of pairs, matrices, templates, landmarks. Any outcome but values
// that add up or an Error of one line that names the file is a bug.
#include <prefiqs/detector.h>
#include <prefiqs/error.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "eval/identity_list.h"
#include "eval/landmark_file.h"
#include "eval/npy_matrix.h"
#include "eval/pair_list.h"
#include "eval/table_file.h"
#include "eval/templates.h"

namespace {

void Require(bool condition) {
  if (!condition) __builtin_trap();
}

void Read(int kind, const std::string& path) {
  namespace eval = prefiqs::eval;
  if (kind == 0) {
    const eval::Table table = eval::ReadTable(path);
    Require(!table.columns.empty() && table.rows.size() == table.lines.size());
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      Require(table.rows[i].size() == table.columns.size());
      eval::NumberIn(table, i, 0);
    }
  } else if (kind == 6) {
    const eval::Table table = eval::ReadScores(path);
    Require(!table.columns.empty() && table.rows.size() == table.lines.size());
    for (std::size_t i = 0; i < table.rows.size() && !table.has_header; ++i) eval::NumberIn(table, i, 1);
  } else if (kind == 1) {
    const eval::PairList list = eval::ReadPairList(path);
    Require(!list.pairs.empty());
    for (const eval::NamedPair& pair : list.pairs) Require(list.folds == 0 || pair.fold < list.folds);
  } else if (kind == 2) {
    const eval::NpyReader file(path);
    std::vector<float> row(file.columns());
    for (std::size_t i = 0; i < file.rows(); ++i) file.ReadRow(i, row);
  } else if (kind == 3) {
    const eval::TemplatePairs pairs = eval::ReadTemplatePairs(path);
    const eval::Comparisons& c = pairs.comparisons;
    Require(!c.first.empty() && c.second.size() == c.first.size() && c.mated.size() == c.first.size());
    Require(pairs.lines.size() == pairs.ids.size());
    for (std::size_t i = 0; i < c.first.size(); ++i) {
      Require(c.first[i] != c.second[i] && c.first[i] < pairs.ids.size() && c.second[i] < pairs.ids.size());
    }
  } else if (kind == 5) {
    const auto people = eval::ReadIdentities(path);
    Require(!people.empty());
    for (const eval::NamedPerson& person : people) Require(!person.names.empty() && !person.identity.empty());
  } else if (kind == 7) {
    const eval::LandmarkList list = eval::ReadLandmarks(path);
    Require(!list.form.empty() && !list.rows.empty());
    for (const eval::LandmarkRow& row : list.rows) {
      Require(!row.name.empty());
      for (const prefiqs::Point& point : row.face.landmarks) Require(std::isfinite(point.x) && std::isfinite(point.y));
    }
    const prefiqs::GivenLandmarks landmarks = prefiqs::GivenLandmarks::load(path);
    Require(landmarks.faces() > 0 && landmarks.faces() <= list.rows.size());
    landmarks.find(list.rows.back().name);
  } else {
    const eval::TemplatePairs pairs{.path = path, .comparisons = {}, .ids = {1, 2}, .lines = {1, 1}};
    bool has_pictures[2] = {};
    for (const eval::TemplatePicture& picture : eval::ReadTemplatePictures(path, pairs)) {
      Require(picture.of < 2);
      has_pictures[picture.of] = true;
    }
    Require(has_pictures[0] && has_pictures[1]);
  }
}

}  // namespace

// The first byte says what the rest is read as.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const int file = memfd_create("fuzz", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  Require(ftruncate(file, 0) == 0 && pwrite(file, data + 1, size - 1, 0) == static_cast<ssize_t>(size - 1));
  try {
    Read(data[0] % 8, path);
  } catch (const prefiqs::Error& error) {
    const std::string message = error.what();
    Require(error.code() == prefiqs::ErrorCode::kIo || error.code() == prefiqs::ErrorCode::kUsage);
    Require(message.starts_with(path) && message.find('\n') == std::string::npos);
  }
  return 0;
}
