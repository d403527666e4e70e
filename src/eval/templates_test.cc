// Templates: read, put together, and evaluated in the place of images.
#include "eval/templates.h"
#include "eval/refused_for_test.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>
#include <prefiqs/evaluation.h>

#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "base/folder_for_test.h"
#include "eval/evaluation_set.h"
#include "report/npy.h"

namespace prefiqs::eval {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

class Templates : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    Fill(folder / name, content);
    return folder / name;
  }
  std::string WriteNpy(const std::string& name, const std::vector<std::vector<float>>& rows) {
    report::NpyFile file(folder / name, report::OpenMode::kNew, rows[0].size());
    for (const auto& row : rows) file.Append(row);
    return folder / name;
  }
  FolderForTest folder;
};

TEST_F(Templates, PairsAndPicturesAreRead) {
  const TemplatePairs pairs = ReadTemplatePairs(Write("pairs.txt", "7 300 1\r\n\n 300\t5  0\n7 5 0"));
  EXPECT_THAT(pairs.ids, ElementsAre(7, 300, 5));
  EXPECT_THAT(pairs.lines, ElementsAre(1, 1, 3));
  EXPECT_THAT(pairs.comparisons.first, ElementsAre(0, 1, 0));
  EXPECT_THAT(pairs.comparisons.second, ElementsAre(1, 2, 2));
  EXPECT_THAT(pairs.comparisons.mated, ElementsAre(1, 0, 0));
  const auto pictures = ReadTemplatePictures(
      Write("tid_mid.txt", "./img/1.jpg 5 10\n2.jpg 6 10\n\n3.png\t7 4294967295\r\n3.png 300 1"), pairs);
  ASSERT_EQ(pictures.size(), 3u);  // 6 is in no pair
  EXPECT_EQ(pictures[0].name, "img/1");
  EXPECT_EQ(pictures[0].of, 2u);
  EXPECT_EQ(pictures[1].name, "3");
  EXPECT_EQ(pictures[1].of, 0u);
  EXPECT_EQ(pictures[1].medium, 4294967295u);
  EXPECT_EQ(pictures[2].of, 1u);
}

TEST_F(Templates, ReadersNameFileAndLine) {
  const auto pairs = [&](const std::string& text) { return Refused([&] { ReadTemplatePairs(Write("p.txt", text)); }); };
  EXPECT_THAT(pairs("1 2 1\n1 2\n"), HasSubstr("p.txt: line 2: 2 words"));
  EXPECT_THAT(pairs("1 2 1 0\n"), HasSubstr("p.txt: line 1: 4 words"));
  EXPECT_THAT(pairs("1 2 1\n\n1 x2 0\n"), HasSubstr("p.txt: line 3: x2 is no template's number"));
  EXPECT_THAT(pairs("-1 2 1\n"), HasSubstr("line 1: -1 is no"));
  EXPECT_THAT(pairs("4294967296 2 1\n"), HasSubstr("line 1: 4294967296 is no"));
  EXPECT_THAT(pairs("1 2 1\n1 2 2\n"), HasSubstr("p.txt: line 2: the label is 2"));
  EXPECT_THAT(pairs("1 2 0\n6 6 1\n"), HasSubstr("p.txt: line 2: template 6 with itself"));
  EXPECT_THAT(pairs("\n"), HasSubstr("p.txt: no pairs"));
  EXPECT_THAT(Refused([&] { ReadTemplatePairs(folder / "none.txt"); }), HasSubstr("none.txt"));

  const TemplatePairs list = ReadTemplatePairs(Write("p.txt", "1 2 1\n1 30 0\n"));
  const auto pictures = [&](const std::string& text) {
    return Refused([&] { ReadTemplatePictures(Write("t.txt", text), list); });
  };
  EXPECT_THAT(pictures("a.jpg 1 1\na b.jpg 1 1\n"), HasSubstr("t.txt: line 2: 4 words"));
  EXPECT_THAT(pictures("a.jpg 1 1\nb.jpg one 1\n"), HasSubstr("t.txt: line 2: one is no template's number"));
  EXPECT_THAT(pictures("a.jpg 1 1.5\n"), HasSubstr("t.txt: line 1: 1.5 is no medium's number"));
  EXPECT_THAT(pictures("a.jpg 1 1\nb.jpg 2 1\n"), AllOf(HasSubstr("p.txt: line 2: template 30"), HasSubstr("t.txt")));
}

// Template 0: a video of two frames and a still; 1: of what has no embedding; 2: one picture that has none, one that
// has; 3: pictures that cancel out.
TEST_F(Templates, EmbeddingsByHand) {
  const NpyReader plain(
      WriteNpy("e.npy", {{3, 0, 0}, {kNaN, kNaN, kNaN}, {0, 8, 0}, {1, 0, 6}, {0, 0, 0}, {0, 2, 0}, {0, -2, 0}}));
  const std::vector<std::size_t> row{0, 3, 2, 1, 4, 5, 6};  // images in another order than rows
  const std::vector<TemplateMember> members{{2, 0, 9}, {0, 0, 4}, {1, 0, 4}, {3, 1, 1}, {4, 1, 2},
                                            {3, 2, 1}, {2, 2, 1}, {5, 3, 1}, {6, 3, 2}};
  const std::vector<const NpyReader*> alone{&plain};
  auto units = TemplateEmbeddings(alone, row, members, 4);
  ASSERT_EQ(units.size(), 4u);
  // ((3, 0, 0) + (1, 0, 6)) / 2 + (0, 8, 0) = (2, 8, 3)
  const double length = std::sqrt(4 + 64 + 9);
  ASSERT_EQ(units[0].size(), 3u);
  EXPECT_FLOAT_EQ(units[0][0], static_cast<float>(2 / length));
  EXPECT_FLOAT_EQ(units[0][1], static_cast<float>(8 / length));
  EXPECT_FLOAT_EQ(units[0][2], static_cast<float>(3 / length));
  EXPECT_TRUE(units[1].empty());
  EXPECT_THAT(units[2], ElementsAre(0, 1, 0));  // the mean is of one, not of two
  EXPECT_TRUE(units[3].empty());

  // A picture without either embedding is left out.
  const NpyReader mirrored(
      WriteNpy("m.npy", {{1, 0, 0}, {1, 1, 1}, {0, 0, 4}, {kNaN, 0, 0}, {0, 0, 5}, {0, 2, 0}, {0, -1, 0}}));
  const std::vector<const NpyReader*> both{&plain, &mirrored};
  units = TemplateEmbeddings(both, row, members, 4);
  const double other = std::sqrt(16 + 64 + 16);  // (4, 0, 0) + (0, 8, 4)
  EXPECT_FLOAT_EQ(units[0][0], static_cast<float>(4 / other));
  EXPECT_FLOAT_EQ(units[0][1], static_cast<float>(8 / other));
  EXPECT_FLOAT_EQ(units[0][2], static_cast<float>(4 / other));
  EXPECT_THAT(units[1], ElementsAre(0, 0, 1));
  EXPECT_THAT(units[3], ElementsAre(0, 1, 0));

  const std::vector<float> quality{0.5f, 0.25f, -1, kNaN, 2, 3, 4};
  const auto lowest = TemplateQualities(quality, members, 4);
  EXPECT_EQ(lowest[0], -1);
  EXPECT_TRUE(std::isnan(lowest[1]));
  EXPECT_TRUE(std::isnan(lowest[2]));  // whatever the order
  EXPECT_EQ(lowest[3], 3);
  const auto of_scored = TemplateQualities(quality, members, 4, true);
  EXPECT_EQ(of_scored[0], -1);
  EXPECT_EQ(of_scored[1], 2);
  EXPECT_EQ(of_scored[2], -1);
  EXPECT_EQ(of_scored[3], 3);
  EXPECT_TRUE(std::isnan(TemplateQualities(std::vector<float>(7, kNaN), members, 4, true)[0]));
}

TEST_F(Templates, EmbeddingsAreThoseOfANaiveTwin) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  constexpr std::uint32_t kImages = 300, kTemplates = 40, kColumns = 16;
  std::vector<std::vector<float>> rows(kImages, std::vector<float>(kColumns));
  for (auto& r : rows) {
    for (float& v : r) v = normal(random);
    if (below(5) == 0) r.assign(kColumns, kNaN);
  }
  const NpyReader file(WriteNpy("e.npy", rows));
  std::vector<std::size_t> row;
  std::vector<float> quality;
  for (std::uint32_t i = 0; i < kImages; ++i) {
    row.push_back(kImages - 1 - i);
    quality.push_back(below(20) == 0 ? kNaN : normal(random));
  }
  std::vector<TemplateMember> members;
  for (std::uint32_t i = 0; i < 900; ++i) members.push_back({below(kImages), below(kTemplates), below(4)});
  for (std::uint32_t t = 0; t < kTemplates; ++t) members.push_back({t, t, 1});
  const std::vector<const NpyReader*> alone{&file};
  const auto units = TemplateEmbeddings(alone, row, members, kTemplates);
  const auto lowest = TemplateQualities(quality, members, kTemplates),
             of_scored = TemplateQualities(quality, members, kTemplates, true);
  for (std::uint32_t t = 0; t < kTemplates; ++t) {
    std::map<std::uint32_t, std::vector<std::uint32_t>> media;
    std::set<double> qualities;
    for (const TemplateMember& m : members) {
      if (m.of != t) continue;
      qualities.insert(std::isnan(quality[m.image]) ? -INFINITY : quality[m.image]);
      if (!std::isnan(rows[row[m.image]][0])) media[m.medium].push_back(m.image);
    }
    std::vector<double> sum(kColumns);
    double squares = 0;
    for (std::uint32_t k = 0; k < kColumns; ++k) {
      for (const auto& [medium, images] : media) {
        double mean = 0;
        for (const std::uint32_t image : images) mean += rows[row[image]][k];
        sum[k] += mean / static_cast<double>(images.size());
      }
      squares += sum[k] * sum[k];
    }
    ASSERT_EQ(units[t].size(), kColumns);
    for (std::uint32_t k = 0; k < kColumns; ++k) EXPECT_NEAR(units[t][k], sum[k] / std::sqrt(squares), 1e-6);
    EXPECT_EQ(Known(lowest[t]), *qualities.begin());
    qualities.erase(-INFINITY);
    EXPECT_EQ(Known(of_scored[t]), qualities.empty() ? -INFINITY : *qualities.begin());
  }
}

// Four people of two templates each, and one whose only picture shows no face.
class TemplateEvaluation : public Templates {
 protected:
  void SetUp() override {
    std::string rows = "path,quality,confidence\n", tid_mid, label;
    std::vector<std::vector<float>> embeddings, mirrored;
    const auto add = [&](int id, const std::vector<float>& embedding, const std::string& cells) {
      const std::size_t number = embeddings.size() + 1;
      rows += fmt::format("/crops/{}.jpg,{}\n", number, cells);
      tid_mid += fmt::format("{}.jpg {} {}\n", number, id, number);
      embeddings.push_back(embedding);
      mirrored.push_back(embedding);
      std::ranges::reverse(mirrored.back());
    };
    for (int t = 0; t < 8; ++t) {
      std::vector<float> face(4, 0.1f);
      face[static_cast<std::size_t>(t / 2)] = 5;
      add(10 + t, face, fmt::format("{},{}", t, 0.5));
      face[3] += 1;
      add(10 + t, face, fmt::format("{},{}", t + 0.5, 0.25));
    }
    add(99, std::vector<float>(4, kNaN), ",");
    for (int a = 0; a < 8; ++a) {
      for (int b = a + 1; b < 8; ++b) label += fmt::format("{} {} {}\n", 10 + a, 10 + b, a / 2 == b / 2 ? 1 : 0);
      label += fmt::format("99 {} 0\n", 10 + a);
    }
    options.pairs = Write("label.txt", label);
    options.templates = Write("tid_mid.txt", tid_mid);
    options.rows = Write("rows.csv", rows);
    options.embeddings = WriteNpy("e.npy", embeddings);
    mirror = WriteNpy("m.npy", mirrored);
    options.resamples = 5;
    options.fmrs = {0.1};
  }
  EvaluationOptions options;
  std::string mirror;
};

TEST_F(TemplateEvaluation, TakesTemplatesInTheImagesPlace) {
  const EvaluationSet set = ReadEvaluationSet(options);
  ASSERT_EQ(set.images.size(), 9u);
  EXPECT_EQ(set.images[0], "template 10");
  EXPECT_EQ(set.identities, 5u);  // only mated pairs say who is who
  EXPECT_EQ(set.identity[0], set.identity[1]);
  EXPECT_EQ(set.not_compared, 1u);
  EXPECT_THAT(set.methods, ElementsAre("quality", "confidence", "random"));
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    const bool none = set.images[i] == "template 99";
    const int t = std::stoi(set.images[i].substr(9)) - 10;
    EXPECT_EQ(Known(set.qualities[0][i]), none ? -INFINITY : static_cast<float>(t));
    EXPECT_EQ(Known(set.qualities[1][i]), none ? -INFINITY : 0.25f);
  }
  const EvaluationReport report = evaluate(options);
  EXPECT_EQ(report.images, 9u);
  EXPECT_EQ(report.mated, 4u);
  EXPECT_EQ(report.non_mated, 32u);
  EXPECT_EQ(report.error_rates[0].fnmr, 0);
  EXPECT_EQ(report.folds, 0);
}

TEST_F(TemplateEvaluation, MirroredEmbeddingsAreAdded) {
  options.mirrored = mirror;
  const EvaluationSet set = ReadEvaluationSet(options);
  ASSERT_EQ(set.mirrored.size(), set.comparisons.size());
  for (std::size_t i = 0; i < set.mirrored.size(); ++i) {
    // The first person's face and the last one's mirror each other: together with their mirrors they are alike.
    const auto person = [&](std::uint32_t image) { return (std::stoi(set.images[image].substr(9)) - 10) / 2; };
    const int a = person(set.comparisons.first[i]), b = person(set.comparisons.second[i]);
    if (a + b == 3) {
      EXPECT_GT(set.mirrored[i], 0.97f);
      EXPECT_LT(set.comparisons.similarity[i], 0.3f);
    } else if (a > 4 || b > 4) {
      EXPECT_EQ(set.mirrored[i], -INFINITY);
    }
  }
}

// Lower is better: of a template the highest counts.
TEST_F(TemplateEvaluation, TakesScoresOfOtherTools) {
  std::string scores = "name,blur\n";
  for (int i = 1; i <= 16; ++i) scores += fmt::format("{}.png,{}\n", i, i);
  options.qualities = {{.name = "x", .path = Write("x.csv", scores), .column = {}, .lower_is_better = true}};
  const EvaluationSet set = ReadEvaluationSet(options);
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    if (set.images[i] == "template 99") continue;
    EXPECT_EQ(set.qualities[0][i], -2.0f * static_cast<float>(std::stoi(set.images[i].substr(9)) - 9));
  }
}

// A tool that scored the first picture of each template alone.
TEST_F(TemplateEvaluation, LeavesOutWhatHasNoScoreWhereToldTo) {
  std::string scores = "name,score\n";
  for (int t = 0; t < 8; ++t) scores += fmt::format("{}.jpg,{}\n", 2 * t + 1, t);
  options.qualities = {{.name = "x", .path = Write("x.csv", scores), .column = {}}};
  for (const bool skip : {false, true}) {
    options.skip_unscored = skip;
    const EvaluationSet set = ReadEvaluationSet(options);
    EXPECT_EQ(set.missing[0], skip ? 0u : 8u);
    for (std::size_t i = 0; i < set.images.size(); ++i) {
      const int t = std::stoi(set.images[i].substr(9)) - 10;
      EXPECT_EQ(Known(set.qualities[0][i]), skip && t < 8 ? static_cast<float>(t) : -INFINITY) << set.images[i];
    }
  }
}

TEST_F(TemplateEvaluation, NamesWhatIsMissing) {
  const auto refused = [&] { return Refused([&] { ReadEvaluationSet(options); }); };
  options.templates = Write("more.txt", Contents(folder / "tid_mid.txt") + "400.jpg 10 1\n");
  EXPECT_THAT(refused(), AllOf(HasSubstr("rows.csv"), HasSubstr("400 of"), HasSubstr("more.txt")));
  options.templates = folder / "tid_mid.txt";
  options.pairs = Write("more_pairs.txt", "10 11 1\n10 55 0\n");
  EXPECT_THAT(refused(), AllOf(HasSubstr("more_pairs.txt: line 2: template 55"), HasSubstr("tid_mid.txt")));
  options.pairs = Write("contradiction.txt", "10 11 1\n11 12 1\n10 12 0\n");
  EXPECT_THAT(refused(), AllOf(HasSubstr("pair 3"), HasSubstr("template 12")));
  options.pairs = "all";
  EXPECT_THAT(refused(), HasSubstr("tid_mid.txt"));
}

}  // namespace
}  // namespace prefiqs::eval
