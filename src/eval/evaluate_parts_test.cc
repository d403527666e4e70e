// The parts of an evaluation that not everyone asks for, on files made here: starting errors, examples of errors, the
// mean over networks, and what is checked before the work.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/evaluation.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>

#include "eval/evaluation_files_for_test.h"
#include "eval/kept_errors.h"
#include "eval/npy_matrix.h"

namespace prefiqs {
namespace {

// Qualities that call good what is alike, or what is not: what is left at the end is unlike all pairs.
TEST_F(Evaluate, AllPairsAreThoseOfTheirListWhateverTheQuality) {
  const eval::NpyReader plain(options.embeddings);
  std::vector<std::vector<float>> rows(plain.rows(), std::vector<float>(kWidth));
  report::NpyFile shifted(folder / "shifted.npy", report::OpenMode::kNew, kWidth);
  std::string scores = "name,alike\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    plain.ReadRow(i, rows[i]);
    const float shift = static_cast<float>(i * 7 % 10) / 2;  // towards one direction, by which some are alike
    for (float& v : rows[i]) v += shift;
    shifted.Append(rows[i]);
    scores += fmt::format("{}/{},{}\n", i / kPictures, i % kPictures, shift + 0.001f * static_cast<float>(i % 13));
  }
  options.embeddings = folder / "shifted.npy";
  Fill(folder / "alike.csv", scores);
  options.qualities = {{.name = "alike", .path = folder / "alike.csv", .column = {}},
                       {.name = "unlike", .path = folder / "alike.csv", .column = {}, .lower_is_better = true}};
  options.fmrs = {1e-2, 1e-3};
  options.false_match_starts = {0.01};
  options.resamples = 10;
  const EvaluationReport list = evaluate(options);
  options.pairs = "all";
  const EvaluationReport all = evaluate(options);
  ASSERT_EQ(all.curves.size(), list.curves.size());
  for (std::size_t k = 0; k < list.curves.size(); ++k) {
    const EvaluationCurve &a = all.curves[k], &b = list.curves[k];
    ASSERT_EQ(a.points.size(), b.points.size());
    for (std::size_t i = 0; i < a.points.size(); ++i) {
      EXPECT_EQ(std::isnan(a.points[i].fnmr) ? a.points[i].fmr : a.points[i].fnmr,
                std::isnan(b.points[i].fnmr) ? b.points[i].fmr : b.points[i].fnmr);
      EXPECT_NEAR(a.points[i].threshold, b.points[i].threshold, 1e-6);
    }
    ASSERT_EQ(a.to_20.resampled.size(), b.to_20.resampled.size());
    for (std::size_t i = 0; i < a.to_20.resampled.size(); ++i) {
      if (std::isnan(b.to_20.resampled[i])) {
        EXPECT_TRUE(std::isnan(a.to_20.resampled[i]));
      } else {
        EXPECT_NEAR(a.to_20.resampled[i], b.to_20.resampled[i], 1e-12) << k;
      }
    }
  }
}

// As of a network that normalises its embedding.
TEST_F(Evaluate, LeavesOutANormThatIsOneNumber) {
  const auto with_norm = [&](const std::string& of_even, const std::string& of_odd) {
    std::string rows = "path,quality,embedding_norm,pruned_norm\n";
    for (int i = 0; i < kPeople * kPictures; ++i) {
      const std::string& norm = i % 2 == 0 ? of_even : of_odd;
      rows += fmt::format("{}/{}.png,{},{},{}\n", i / kPictures, i % kPictures, (i * 37 % 101) / 101.0, norm,
                          i == 5 ? "" : norm);
    }
    Fill(folder / "norms.csv", rows);
    options.rows = folder / "norms.csv";
    options.resamples = 0;
    return evaluate(options);
  };
  for (const char* scale : {"1.000000", "64.000004"}) {
    const EvaluationReport report = with_norm(scale, scale[0] == '1' ? "1.000001" : "64.000000");
    EXPECT_THAT(report.methods, testing::ElementsAre("quality", "random"));
    EXPECT_THAT(report.left_out, testing::ElementsAre("embedding_norm", "pruned_norm"));
  }
  const EvaluationReport report = with_norm("1.000000", "1.001000");
  EXPECT_THAT(report.methods, testing::ElementsAre("quality", "embedding_norm", "pruned_norm", "random"));
  EXPECT_THAT(report.left_out, testing::IsEmpty());
}

// Protocol B from stated starting errors, of either kind.
TEST_F(Evaluate, StartsWhereItIsTold) {
  options.fmrs = {1e-2};
  options.resamples = 20;
  options.false_non_match_starts = {0.1, 0.02, 1e-5};
  options.false_match_starts = {0.05, 1e-3};
  options.curves = folder / "curves.csv";
  const EvaluationReport list = evaluate(options);
  options.curves.clear();
  options.pairs = "all";
  const EvaluationReport all = evaluate(options);
  ASSERT_EQ(list.curves.size(), 2u * (3 + 3 + 2));
  ASSERT_EQ(all.curves.size(), list.curves.size());
  int started = 0;
  for (std::size_t k = 0; k < list.curves.size(); ++k) {
    const EvaluationCurve &a = list.curves[k], &b = all.curves[k];
    const bool of_mated = a.protocol == EdcProtocol::kFalseNonMatches,
               of_others = a.protocol == EdcProtocol::kFalseMatches;
    EXPECT_EQ(std::isfinite(a.start), of_mated || of_others);
    EXPECT_EQ(std::isnan(a.fmr), of_mated || of_others);
    if (!of_mated && !of_others) continue;
    EXPECT_EQ(a.points.empty(), a.start == 1e-5);  // of 240 mated pairs
    ASSERT_EQ(a.points.size(), b.points.size());
    if (a.points.empty()) continue;
    ++started;
    for (std::size_t i = 0; i < a.points.size(); ++i) {
      EXPECT_EQ(std::isnan(a.points[i].fnmr), of_others);
      EXPECT_EQ(std::isnan(a.points[i].fmr), of_mated);
      EXPECT_EQ(of_others ? a.points[i].fmr : a.points[i].fnmr, of_others ? b.points[i].fmr : b.points[i].fnmr);
    }
    const double first = of_others ? a.points[0].fmr : a.points[0].fnmr;
    const double one = 1.0 / static_cast<double>(of_others ? a.points[0].non_mated : a.points[0].mated);
    EXPECT_NEAR(first, a.start, 1.01 * one) << k;
    EXPECT_EQ(a.to_30.value, b.to_30.value) << k;
    EXPECT_EQ(a.to_30.interval.high, b.to_30.interval.high) << k;
    EXPECT_LE(a.to_30.interval.low, a.to_30.interval.high) << k;
  }
  EXPECT_EQ(started, 2 * 4);
  // By false non-matches the good quality is the better one at both starts.
  EXPECT_LT(list.curves[3].to_30.value, list.curves[8 + 3].to_30.value);
  const std::string curves = Contents(folder / "curves.csv");
  EXPECT_THAT(curves, testing::StartsWith(
                          "method,protocol,wanted_fmr,discarded,fnmr,threshold,fmr,mated,non_mated,start,quality\n"));
  EXPECT_THAT(curves, testing::ContainsRegex("\nquality,B-FNM,,0.000000,0.1[0-9]*,[0-9.]+,,240,0,0.1,\n"));
  EXPECT_THAT(curves, testing::ContainsRegex("\nquality,B-FM,,0.000000,,[0-9.]+,0.05[0-9]*,0,12480,0.05,\n"));
}

TEST_F(Evaluate, NormalisesProtocolC) {
  options.fmrs = {1e-2};
  const EvaluationReport report = evaluate(options);
  for (const EvaluationCurve& curve : report.curves) {
    ASSERT_EQ(std::isfinite(curve.normalised.value), curve.protocol == EdcProtocol::kImages);
    if (curve.protocol != EdcProtocol::kImages) continue;
    double sum = 0;  // steps of 5 % to 30 %
    for (std::size_t i = 0; i < 6; ++i) sum += 0.05 * curve.points[i].fnmr;
    EXPECT_NEAR(curve.normalised.value, sum / (0.3 * curve.points[0].fnmr), 1e-12);
    EXPECT_LE(curve.normalised.interval.low, curve.normalised.value);
    EXPECT_GE(curve.normalised.interval.high, curve.normalised.value);
  }
}

TEST_F(Evaluate, EverythingThatCanBeIsCheckedBeforeTheWork) {
  for (int k = 0; k < 3; ++k) Fill(folder / fmt::format("in/1/{}.png", k), "x");
  Fill(folder / "good.csv", "file_a,file_b,mated\n1/0,1/1,1\n");
  Fill(folder / "scores.csv", "name,score\n1/0,2\n");
  const std::vector<std::string> inputs{folder / "in"};
  EvaluationOptions early;
  early.pairs = folder / "good.csv";
  early.qualities = {{.name = "x", .path = folder / "scores.csv", .column = "score"}};
  EXPECT_NO_THROW(check_evaluation(early, inputs, {folder / "page.html"}));
  EXPECT_FALSE(std::filesystem::exists(folder / "page.html"));
  const auto refused = [&](auto&& change, const std::vector<std::string>& outputs = {}) {
    EvaluationOptions broken = early;
    change(broken);
    try {
      check_evaluation(broken, inputs, outputs);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  using testing::HasSubstr;
  EXPECT_THAT(refused([](auto& o) { o.fmrs = {2}; }), HasSubstr("FMR 2"));
  EXPECT_THAT(refused([](auto& o) { o.false_match_starts = {0}; }), HasSubstr("starting error 0"));
  EXPECT_THAT(refused([](auto& o) { o.false_non_match_starts = {NAN}; }), HasSubstr("starting error nan"));
  EXPECT_THAT(refused([&](auto& o) { o.curves = folder / "none/c.csv"; }), HasSubstr("none/c.csv"));
  EXPECT_THAT(refused([](auto&) {}, {folder / "none/p.html"}), HasSubstr("none/p.html"));
  EXPECT_THAT(refused([](auto&) {}, {folder / "in"}), HasSubstr("in"));
  EXPECT_THAT(refused([](auto& o) { o.qualities[0].column = "quality"; }), HasSubstr("column quality"));
  Fill(folder / "others.csv", "name,score\n1/9,2\n");
  EXPECT_THAT(refused([&](auto& o) { o.qualities[0].path = folder / "others.csv"; }), HasSubstr("no number for any"));
  Fill(folder / "label.txt", "1 2 1\n");
  Fill(folder / "tid.txt", "1/0.png 1 1\n1/7.png 2 2\n");
  EXPECT_THAT(refused([&](auto& o) { o.pairs = folder / "label.txt", o.templates = folder / "tid.txt"; }),
              HasSubstr("1/7"));
  // Of evaluate() too, before it reads anything.
  early.rows = early.embeddings = "none.csv";
  early.curves = folder / "none/c.csv";
  EXPECT_THROW(evaluate(early), Error);
}

TEST_F(Evaluate, MeansAreOverNetworksInTheSameDraws) {
  options.fmrs = {1e-2, 1e-3};
  options.false_match_starts = {0.01};
  options.qualities = {{.name = "good", .path = {}, .column = "quality"},
                       {.name = "bad", .path = folder / "other.csv", .column = "blur"}};
  // Another network: noisier.
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  report::NpyFile noisy(folder / "noisy.npy", report::OpenMode::kNew, kWidth);
  const eval::NpyReader plain(options.embeddings);
  for (std::size_t i = 0; i < plain.rows(); ++i) {
    std::vector<float> row(kWidth);
    plain.ReadRow(i, row);
    for (float& v : row) v += normal(random);
    noisy.Append(row);
  }
  std::vector<EvaluationReport> reports{evaluate(options)};
  options.embeddings = folder / "noisy.npy";
  // The same pictures in another folder.
  std::string rows = Contents(options.rows);
  for (std::size_t at = 0; (at = rows.find("/pictures/", at)) != std::string::npos;) rows.replace(at, 10, "./");
  Fill(folder / "moved.csv", rows);
  options.rows = folder / "moved.csv";
  reports.push_back(evaluate(options));
  const EvaluationMean mean = mean_of(reports);
  ASSERT_TRUE(mean.same_draws);
  EXPECT_EQ(mean.methods, reports[0].methods);
  ASSERT_EQ(mean.curves.size(), reports[0].curves.size());
  int compared = 0;
  for (std::size_t k = 0; k < mean.curves.size(); ++k) {
    const EvaluationCurve &m = mean.curves[k], &a = reports[0].curves[k], &b = reports[1].curves[k];
    EXPECT_EQ(m.method, a.method);
    EXPECT_EQ(m.protocol, a.protocol);
    EXPECT_EQ(std::isnan(m.start), std::isnan(a.start));
    ASSERT_EQ(m.to_30.resampled.size(), static_cast<std::size_t>(options.resamples));
    if (std::isnan(a.to_30.value) || std::isnan(b.to_30.value)) continue;
    ++compared;
    EXPECT_NEAR(m.to_30.value, (a.to_30.value + b.to_30.value) / 2, 1e-12);
    // Word by word: each resample's mean, sorted, and compared with the first method's in the same resample.
    std::vector<double> means;
    double lower = 0;
    const std::size_t first = k % (mean.curves.size() / mean.methods.size());
    for (std::size_t i = 0; i < m.to_30.resampled.size(); ++i) {
      const double mine = (a.to_30.resampled[i] + b.to_30.resampled[i]) / 2;
      const double theirs =
          (reports[0].curves[first].to_30.resampled[i] + reports[1].curves[first].to_30.resampled[i]) / 2;
      EXPECT_NEAR(m.to_30.resampled[i], mine, 1e-12);
      means.push_back(mine);
      lower += mine < theirs ? 1 : mine == theirs ? 0.5 : 0;
    }
    std::ranges::sort(means);
    EXPECT_GE(m.to_30.interval.low, means.front());
    EXPECT_LE(m.to_30.interval.low, means[1]);
    EXPECT_GE(m.to_30.interval.high, means[means.size() - 2]);
    if (m.method == 0) {
      EXPECT_TRUE(std::isnan(m.to_30.better_than_first));
    } else {
      EXPECT_NEAR(m.to_30.better_than_first, lower / 40, 1e-9);
    }
    // Drawn for each network for itself the mean would be surer than it is.
    EXPECT_LT(a.to_30.interval.low, a.to_30.interval.high);
  }
  EXPECT_GT(compared, 15);

  const EvaluationMean alone = mean_of({reports.data(), 1});
  EXPECT_EQ(alone.curves[0].to_30.interval.low, reports[0].curves[0].to_30.interval.low);
  EXPECT_EQ(alone.curves[7].to_30.better_than_first, reports[0].curves[7].to_30.better_than_first);

  options.seed = 2;
  reports[1] = evaluate(options);
  const EvaluationMean others = mean_of(reports);
  EXPECT_FALSE(others.same_draws);
  EXPECT_TRUE(std::isfinite(others.curves[0].to_30.value));
  EXPECT_TRUE(std::isnan(others.curves[0].to_30.interval.low));
  EXPECT_TRUE(others.curves[0].to_30.resampled.empty());
}

TEST_F(Evaluate, ExamplesAreTheErrorsOfTheCurves) {
  options.resamples = 0;
  options.fmrs = {1e-2, 2e-3};
  for (const char* pairs : {"list", "all"}) {
    if (pairs == std::string("all")) options.pairs = pairs;
    for (const bool mirrored : {false, true}) {
      options.mirrored = mirrored ? options.embeddings : std::string();
      eval::Examples examples;
      const EvaluationReport report = eval::EvaluateWithExamples(options, examples);
      EXPECT_EQ(examples.fmr, 2e-3);
      EXPECT_EQ(examples.images.size(), report.images);
      ASSERT_EQ(examples.errors.size(), report.methods.size());
      for (const EvaluationCurve& curve : report.curves) {
        if (curve.protocol != EdcProtocol::kPairs || curve.fmr != examples.fmr) continue;
        const auto& steps = examples.errors[curve.method];
        ASSERT_EQ(steps.size(), 7u);  // 0 to 30 %
        for (std::size_t i = 0; i < steps.size(); ++i) {
          const EvaluationPoint& p = curve.points[i];
          EXPECT_EQ(steps[i].point.discarded, p.discarded);
          EXPECT_EQ(static_cast<double>(steps[i].false_non_matches), std::round(p.fnmr * static_cast<double>(p.mated)));
          EXPECT_EQ(static_cast<double>(steps[i].false_matches), std::round(p.fmr * static_cast<double>(p.non_mated)));
          EXPECT_GT(steps[i].false_non_matches, 0u);
          for (const auto& pair : steps[i].worst_false_non_matches) {
            EXPECT_EQ(pair.first / kPictures, pair.second / kPictures);
            EXPECT_LE(pair.similarity, p.threshold);
            EXPECT_GT(pair.gone, i);
          }
          for (const auto& pair : steps[i].worst_false_matches) {
            EXPECT_NE(pair.first / kPictures, pair.second / kPictures);
            EXPECT_GE(pair.similarity, p.threshold);
          }
        }
      }
    }
  }
}

TEST_F(Evaluate, PairsAreCheckedBeforeTheWork) {
  Fill(folder / "in/1/0.png", "x");
  Fill(folder / "in/1/1.png", "x");
  Fill(folder / "good.csv", "file_a,file_b,mated\n1/0,1/1,1\n");
  Fill(folder / "bad.csv", "file_a,file_b,mated\n1/0,1/7,1\n");
  EXPECT_NO_THROW(check_pairs(folder / "good.csv", {folder / "in"}));
  EXPECT_NO_THROW(check_pairs("all", {folder / "in"}));
  EXPECT_THROW(check_pairs(folder / "bad.csv", {folder / "in"}), Error);
}

}  // namespace
}  // namespace prefiqs
