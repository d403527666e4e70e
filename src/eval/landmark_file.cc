#include "eval/landmark_file.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/count.h"
#include "base/file.h"
#include "eval/landmark_cfp.h"
#include "eval/table_file.h"
#include "eval/word_lines.h"

namespace prefiqs::eval {
namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
constexpr Face kNoFace{{kNone, kNone, kNone, kNone}, {}, kNone};
constexpr std::size_t kCoordinates = 10;

constexpr std::array<std::string_view, kCoordinates> kColumns{
    "left_eye_x", "left_eye_y",   "right_eye_x",  "right_eye_y",   "nose_x",
    "nose_y",     "left_mouth_x", "left_mouth_y", "right_mouth_x", "right_mouth_y"};
constexpr std::array<std::string_view, 4> kBoxColumns{"box_x", "box_y", "box_width", "box_height"};

// X1 Y1 … X5 Y5.
Landmarks PointsOf(std::span<const float, kCoordinates> values) {
  Landmarks points;
  for (std::size_t i = 0; i < points.size(); ++i) points[i] = {values[2 * i], values[2 * i + 1]};
  return points;
}

std::optional<float> FiniteNumber(std::string_view word) {
  const auto value = NumberOf(word);
  if (!value || !std::isfinite(static_cast<float>(*value))) return std::nullopt;
  return static_cast<float>(*value);
}

// The words of a line, from its end: as many as are wanted, and what is left in front of them.
struct FromEnd {
  std::string_view name;
  std::vector<std::string_view> words;  // in the line's order
};

FromEnd SplitFromEnd(std::string_view line, std::size_t count, char separator) {
  FromEnd split;
  line = Trimmed(line);
  while (split.words.size() < count) {
    const std::size_t at = separator == ' ' ? line.find_last_of(" \t") : line.rfind(separator);
    if (at == std::string_view::npos) break;
    split.words.insert(split.words.begin(), Trimmed(line.substr(at + 1)));
    line = Trimmed(line.substr(0, at));
  }
  split.name = line;
  return split;
}

// Commas, semicolons, tabs; else white space.
char SeparatorIn(std::string_view line) {
  for (const char separator : {',', ';', '\t'}) {
    if (line.find(separator) != std::string_view::npos) return separator;
  }
  return ' ';
}

std::size_t NumbersAtEnd(std::string_view line) {
  const FromEnd split = SplitFromEnd(line, kCoordinates + 1, SeparatorIn(line));
  const auto is_no_number = [](std::string_view word) { return !NumberOf(word); };
  const auto last = std::find_if(split.words.rbegin(), split.words.rend(), is_no_number);
  return static_cast<std::size_t>(last - split.words.rbegin());
}

// `skip`: lines in front.
LandmarkList FromLines(const std::string& path, std::size_t skip) {
  LandmarkList list;
  char separator = 0;
  std::size_t numbers = 0, seen = 0;
  ForEachLine(path, "\r\n", [&](std::size_t line, std::span<const std::string_view> whole) {
    if (Trimmed(whole[0]).empty() || seen++ < skip) return;
    if (separator == 0) {
      separator = SeparatorIn(Trimmed(whole[0]));
      numbers = NumbersAtEnd(whole[0]);
    }
    const FromEnd split = SplitFromEnd(whole[0], numbers, separator);
    if (split.words.size() < numbers || split.name.empty()) {
      FailAtLine(path, line, fmt::format("not a name and {} numbers, as the lines before", numbers));
    }
    std::array<float, kCoordinates> values{};
    LandmarkRow row{std::string(split.name), kNoFace, line};
    for (std::size_t i = 0; i < numbers; ++i) {
      const auto value = FiniteNumber(split.words[i]);
      if (!value) {
        FailAtLine(path, line,
                   fmt::format("word {} behind the name is {}; {}", i + 1, Printable(split.words[i]),
                               i < kCoordinates ? "a coordinate is a finite number" : "a score is a finite number"));
      }
      (i < kCoordinates ? values[i] : row.face.confidence) = *value;
    }
    row.face.landmarks = PointsOf(values);
    list.rows.push_back(std::move(row));
  });
  return list;
}

LandmarkList FromTable(const std::string& path) {
  const Table table = ReadTable(path);
  const std::size_t name = NameColumn(table);
  std::array<std::size_t, kCoordinates> place{};
  for (std::size_t i = 0; i < kCoordinates; ++i) place[i] = table.Require(kColumns[i]);
  LandmarkList list;
  list.several_faces = table.Find("face").has_value();
  const auto optional = [&](std::size_t row, std::string_view column) {
    const auto found = table.Find(column);
    return found ? static_cast<float>(NumberIn(table, row, *found)) : kNone;
  };
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    std::array<float, kCoordinates> values{};
    const auto is_empty = [&](std::size_t column) { return table.rows[i][column].empty(); };
    if (std::ranges::all_of(place, is_empty)) continue;
    for (std::size_t k = 0; k < kCoordinates; ++k) {
      values[k] = static_cast<float>(NumberIn(table, i, place[k]));
      if (std::isfinite(values[k])) continue;
      FailAtLine(path, table.lines[i],
                 fmt::format("column {} {}; a coordinate is a finite number", kColumns[k],
                             is_empty(place[k]) ? "is empty" : "holds " + Printable(table.rows[i][place[k]])));
    }
    if (table.rows[i][name].empty()) FailAtLine(path, table.lines[i], "an empty name");
    LandmarkRow row{table.rows[i][name], kNoFace, table.lines[i]};
    row.face.landmarks = PointsOf(values);
    row.face.confidence = optional(i, "confidence");
    row.face.box = {optional(i, kBoxColumns[0]), optional(i, kBoxColumns[1]), optional(i, kBoxColumns[2]),
                    optional(i, kBoxColumns[3])};
    list.rows.push_back(std::move(row));
  }
  return list;
}

// The first lines of a file that have any words, and the number of the first of them.
std::vector<std::string> FirstLines(const std::string& path, std::size_t count, std::size_t& number) {
  std::vector<std::string> lines;
  ForEachLine(path, "\r\n", [&](std::size_t here, std::span<const std::string_view> line) {
    if (lines.size() >= count || Trimmed(line[0]).empty()) return;
    if (lines.empty()) number = here;
    lines.emplace_back(Trimmed(line[0]));
  });
  return lines;
}

bool IsCelebA(std::span<const std::string> first) {
  return first.size() >= 3 && WholeNumber(first[0]) && first[1].starts_with("lefteye_x");
}

bool IsTable(std::span<const std::string> first) {
  if (first.empty()) return false;
  return first[0].starts_with('{') || first[0].find("left_eye_x") != std::string::npos;
}

bool IsLines(std::span<const std::string> first) {
  return !first.empty() && NumbersAtEnd(first[0]) >= kCoordinates &&
         !SplitFromEnd(first[0], NumbersAtEnd(first[0]), SeparatorIn(first[0])).name.empty();
}

struct Form {
  std::string_view name;   // what the file is taken for
  std::string_view lines;  // what it holds, for who has another one
  bool (*fits)(std::span<const std::string> first);
  LandmarkList (*read)(const std::string& path);
};

// The first that fits is taken.
constexpr std::array kForms{
    Form{"a table with the columns of prefiqs",
         "a table with a header: path, left_eye_x, left_eye_y, right_eye_x, right_eye_y, nose_x, nose_y, left_mouth_x, "
         "left_mouth_y, right_mouth_x, right_mouth_y",
         IsTable, FromTable},
    Form{"CelebA's list of landmarks", "CelebA: a count, a header lefteye_x …, then NAME X1 Y1 … X5 Y5", IsCelebA,
         [](const std::string& path) { return FromLines(path, 2); }},
    Form{"lines of a name, five points and maybe a score, as IJB's name_5pts_score.txt",
         "IJB's name_5pts_score.txt: NAME X1 Y1 X2 Y2 X3 Y3 X4 Y4 X5 Y5 SCORE", IsLines,
         [](const std::string& path) { return FromLines(path, 0); }},
};
constexpr std::string_view kCfp = "CFP's fiducials, 30 points each, reduced to five";
constexpr std::string_view kCfpLines = "CFP: a folder with ID/frontal/NN.txt and ID/profile/NN.txt of 30 points";

LandmarkList ReadByForm(const std::string& path) {
  if (IsCfpFolder(path)) {
    LandmarkList list{.form = std::string(kCfp), .rows = ReadCfpFiducials(path)};
    if (!list.rows.empty()) return list;
    throw Error(ErrorCode::kIo, fmt::format("{}: no landmarks in this folder. {}", Printable(path), kCfpLines));
  }
  constexpr std::size_t kLooked = 3;
  std::size_t number = 1;
  const std::vector<std::string> first = FirstLines(path, kLooked, number);
  if (first.empty()) throw Error(ErrorCode::kIo, fmt::format("{}: is empty", Printable(path)));
  for (const Form& form : kForms) {
    if (!form.fits(first)) continue;
    LandmarkList list = form.read(path);
    list.form = form.name;
    return list;
  }
  // A header has no numbers at its end.
  const std::size_t numbers = NumbersAtEnd(first[0]);
  const Form& nearest = numbers == 0 ? kForms.front() : kForms.back();
  std::string known;
  for (const Form& form : kForms) known += fmt::format("{}; ", form.lines);
  constexpr std::size_t kMostShown = 100;
  FailAtLine(path, number,
             fmt::format("{} at its end and not 10 or 11: {}. Of no known form; the nearest is {}. All of them: {}{}",
                         Count(numbers, "number"), Printable(first[0].substr(0, kMostShown)), nearest.lines, known,
                         kCfpLines));
}

Point Between(Point a, Point b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }
Point Way(Point from, Point to) { return {to.x - from.x, to.y - from.y}; }
float Dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }
float Cross(Point a, Point b) { return a.x * b.y - a.y * b.x; }

// In the picture, however it is turned: the mouth is below the eyes, left is left of right in both, and the nose is
// not far from being between them.
bool LiesAsAFace(const Landmarks& points) {
  const Point eyes = Between(points[0], points[1]), down = Way(eyes, Between(points[3], points[4]));
  const float length2 = Dot(down, down), nose = Dot(Way(eyes, points[2]), down);
  return Cross(Way(points[0], points[1]), down) > 0 && Cross(Way(points[3], points[4]), down) > 0 &&
         nose > -length2 / 2 && nose < length2 * 3 / 2;
}

Landmarks OfXsThenYs(const Landmarks& points) {
  std::array<float, kCoordinates> values{};
  for (std::size_t i = 0; i < points.size(); ++i) values[2 * i] = points[i].x, values[2 * i + 1] = points[i].y;
  Landmarks other;
  for (std::size_t i = 0; i < other.size(); ++i) other[i] = {values[i], values[i + other.size()]};
  return other;
}

Landmarks Exchanged(const Landmarks& p) { return {p[1], p[0], p[2], p[4], p[3]}; }

// Coordinates in another order give crops of something else, and scores all the same.
void CheckOrder(const std::string& path, const LandmarkList& list) {
  const auto count = [&](auto&& as) {
    return std::ranges::count_if(list.rows,
                                 [&](const LandmarkRow& row) { return LiesAsAFace(as(row.face.landmarks)); });
  };
  const auto most = std::ssize(list.rows);
  const auto good = count([](const Landmarks& points) { return points; });
  if (2 * good >= most) return;
  const char* seems = "";
  if (2 * count(OfXsThenYs) >= most) {
    seems = "; they seem to have all x before all y";
  } else if (2 * count(Exchanged) >= most) {
    seems = "; left and right seem to be exchanged";
  }
  throw Error(
      ErrorCode::kIo,
      fmt::format("{}: the points of {} of {} do not lie as eyes, nose and mouth do{}. Wanted are x and y of the "
                  "left eye, right eye, nose, left and right corner of the mouth, left and right as seen in the "
                  "picture",
                  Printable(path), most - good, Count(most, "face"), seems));
}

}  // namespace

LandmarkList ReadLandmarks(const std::string& path) {
  LandmarkList list = ReadByForm(path);
  if (list.rows.empty()) throw Error(ErrorCode::kIo, fmt::format("{}: no landmarks", Printable(path)));
  CheckOrder(path, list);
  return list;
}

}  // namespace prefiqs::eval
