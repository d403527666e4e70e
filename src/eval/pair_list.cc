#include "eval/pair_list.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/file.h"
#include "eval/pair_text.h"
#include "eval/table_file.h"
#include "eval/word_lines.h"
#include "input/verification_bin.h"

namespace prefiqs::eval {
namespace {

// Empty lines too, so that numbers are right.
std::vector<std::vector<std::string>> WordLines(const std::string& path, std::string_view separators) {
  std::vector<std::vector<std::string>> lines;
  ForEachLine(path, separators, [&](std::size_t line, std::span<const std::string_view> words) {
    lines.resize(line);
    lines.back().assign(words.begin(), words.end());
  });
  return lines;
}

PairList FromTable(const std::string& path) {
  const Table table = ReadTable(path);
  const std::size_t a = table.Require("file_a"), b = table.Require("file_b"), mated = table.Require("mated");
  const auto fold = table.Find("fold"), person_a = table.Find("identity_a"), person_b = table.Find("identity_b");
  PairList list;
  list.form = "a table of file_a, file_b and mated";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::vector<std::string>& row = table.rows[i];
    NamedPair pair{.first = NameOf(row[a]), .second = NameOf(row[b]), .line = table.lines[i]};
    pair.mated = row[mated] == "1" || row[mated] == "true";
    if (!pair.mated && row[mated] != "0" && row[mated] != "false") {
      FailAtLine(path, table.lines[i], fmt::format("mated is {}; 1, 0, true or false", Printable(row[mated])));
    }
    if (person_a && person_b) {
      pair.first_identity = row[*person_a];
      pair.second_identity = row[*person_b];
    }
    if (fold) {
      const auto number = WholeNumber(row[*fold]);
      if (!number || *number >= 1000) FailAtLine(path, table.lines[i], "fold is no whole number below 1000");
      pair.fold = *number;
      list.folds = std::max(list.folds, *number + 1);
    }
    list.pairs.push_back(std::move(pair));
  }
  return list;
}

std::vector<std::string> CfpPictures(const std::filesystem::path& path) {
  std::vector<std::string> names;
  const auto lines = WordLines(path.string(), " \t\r");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    if (lines[i].size() != 2 || WholeNumber(lines[i][0]) != names.size() + 1) {
      FailAtLine(path.string(), i + 1, "not the next number and a path");
    }
    names.push_back(NameOf(lines[i][1]));
  }
  return names;
}

// .../Images/001/frontal/01 -> 001
std::string CfpPerson(const std::string& name) {
  return std::filesystem::path(name).parent_path().parent_path().filename().string();
}

PairList FromCfp(const std::string& path) {
  std::filesystem::path folder(path);
  if (folder.filename().empty()) folder = folder.parent_path();
  if (!std::filesystem::exists(folder / "01")) {
    throw Error(ErrorCode::kIo, fmt::format("{}: a folder, but not CFP's Protocol/Split/FF or FP", Printable(path)));
  }
  const std::filesystem::path protocol = folder.parent_path().parent_path();
  const std::vector<std::string> frontal = CfpPictures(protocol / "Pair_list_F.txt");
  const std::vector<std::string> second =
      folder.filename() == "FP" ? CfpPictures(protocol / "Pair_list_P.txt") : frontal;
  PairList list;
  list.form = "CFP's Protocol/Split/" + folder.filename().string();
  for (; std::filesystem::exists(folder / fmt::format("{:02}", list.folds + 1)); ++list.folds) {
    for (const bool mated : {true, false}) {
      const std::string file =
          (folder / fmt::format("{:02}", list.folds + 1) / (mated ? "same.txt" : "diff.txt")).string();
      const auto lines = WordLines(file, ", \t\r");
      for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i].empty()) continue;
        const auto place = [&](std::size_t word, const std::vector<std::string>& names) {  // from 1; 0: none
          const std::uint32_t number = lines[i].size() == 2 ? WholeNumber(lines[i][word]).value_or(0) : 0;
          return number <= names.size() ? number : 0;
        };
        const std::uint32_t a = place(0, frontal), b = place(1, second);
        if (a == 0 || b == 0) FailAtLine(file, i + 1, "not two numbers of the pair lists");
        NamedPair pair{.first = frontal[a - 1], .second = second[b - 1]};
        pair.first_identity = CfpPerson(pair.first);
        pair.second_identity = CfpPerson(pair.second);
        pair.mated = mated;
        pair.fold = list.folds;
        list.pairs.push_back(std::move(pair));
      }
    }
  }
  return list;
}

// Who the people are is not told. The folds are those of scikit-learn's KFold, which InsightFace's evaluation uses.
PairList FromVerificationBin(const std::string& path) {
  constexpr std::size_t kFolds = 10;
  const std::vector<bool> same = input::ReadVerificationBin(path).same;
  const std::size_t size = same.size() / kFolds, larger = same.size() % kFolds;
  PairList list;
  list.form = "an InsightFace verification set";
  list.folds = size > 0 ? kFolds : 0;
  const std::string file = std::filesystem::path(path).filename().string();  // rows may know it by another folder
  for (std::size_t i = 0; i < same.size(); ++i) {
    NamedPair pair{.first = input::NameInSet(file, 2 * i), .second = input::NameInSet(file, 2 * i + 1)};
    pair.mated = same[i];
    if (size > 0) {
      pair.fold = static_cast<std::uint32_t>(i < larger * (size + 1) ? i / (size + 1) : (i - larger) / size);
    }
    list.pairs.push_back(std::move(pair));
  }
  return list;
}

PairList FromText(const std::string& path) {
  const std::string header = FirstLine(path);
  return header.find("file_a") != std::string::npos ? FromTable(path) : ReadPairText(path);
}

}  // namespace

std::string NameOf(std::string_view path) {
  while (path.starts_with("./") || path.starts_with("../")) path.remove_prefix(path[1] == '/' ? 2 : 3);
  const std::size_t slash = path.rfind('/'), dot = path.rfind('.');
  const std::size_t start = slash == std::string_view::npos ? 0 : slash + 1;
  const bool extension = dot != std::string_view::npos && dot > start && path.size() - dot <= 5;
  return std::string(extension ? path.substr(0, dot) : path);
}

PairList ReadPairList(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return FromCfp(path);
  PairList list = input::IsVerificationSet(path) ? FromVerificationBin(path) : FromText(path);
  if (list.pairs.empty()) throw Error(ErrorCode::kIo, fmt::format("{}: no pairs", Printable(path)));
  return list;
}

}  // namespace prefiqs::eval
