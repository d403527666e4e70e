// The whole evaluation, on files made here.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/evaluation.h>

#include <cmath>

#include "eval/evaluation_files_for_test.h"

namespace prefiqs {
namespace {

TEST_F(Evaluate, DoesNotDependOnThreads) {
  options.threads = 1;
  const EvaluationReport one = evaluate(options);
  options.threads = 3;
  int done = 0;
  options.on_progress = [&](int resamples) {
    EXPECT_GE(resamples, done);
    done = resamples;
  };
  const EvaluationReport three = evaluate(options);
  EXPECT_EQ(done, options.resamples);
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  const auto same_area = [&](const EvaluationArea& a, const EvaluationArea& b) {
    return same(a.value, b.value) && same(a.interval.low, b.interval.low) && same(a.interval.high, b.interval.high) &&
           same(a.better_than_first, b.better_than_first);
  };
  ASSERT_EQ(one.curves.size(), three.curves.size());
  int compared = 0;
  for (std::size_t k = 0; k < one.curves.size(); ++k) {
    const EvaluationCurve &a = one.curves[k], &b = three.curves[k];
    EXPECT_TRUE(same_area(a.to_20, b.to_20) && same_area(a.to_30, b.to_30) && same_area(a.whole, b.whole)) << k;
    ASSERT_EQ(a.bands.size(), b.bands.size());
    for (std::size_t i = 0; i < a.bands.size(); ++i) {
      EXPECT_TRUE(a.bands[i].low == b.bands[i].low && a.bands[i].high == b.bands[i].high) << k;
      ++compared;
    }
  }
  EXPECT_GT(compared, 50);
  for (std::size_t k = 0; k < one.error_rates.size(); ++k) {
    EXPECT_TRUE(same(one.error_rates[k].interval.low, three.error_rates[k].interval.low));
  }
}

// Whatever an evaluation says of comparisons that could not be made, no threshold of theirs is a number to print.
TEST_F(Evaluate, WithoutAnyEmbeddingThereIsNoThreshold) {
  report::NpyFile embeddings(folder / "none.npy", report::OpenMode::kNew, kWidth);
  for (int i = 0; i < kPeople * kPictures; ++i) embeddings.Append(std::vector<float>(kWidth, 0.0f));
  options.embeddings = folder / "none.npy";
  options.resamples = 3;
  options.false_non_match_starts = {0.1};
  options.false_match_starts = {0.1};
  options.curves = folder / "curves.csv";
  for (const std::string& pairs : {options.pairs, std::string("all")}) {
    options.pairs = pairs;
    const EvaluationReport report = evaluate(options);
    EXPECT_EQ(report.not_compared, report.images);
    for (const EvaluationErrorRate& rate : report.error_rates) {
      EXPECT_TRUE(rate.fnmr == 1 && rate.fmr == 0) << rate.fnmr << " " << rate.fmr;
      EXPECT_TRUE(std::isnan(rate.threshold)) << rate.threshold;
    }
    std::size_t points = 0;
    for (const EvaluationCurve& curve : report.curves) {
      for (const EvaluationPoint& point : curve.points) EXPECT_TRUE(std::isnan(point.threshold)) << point.threshold;
      points += curve.points.size();
    }
    EXPECT_GT(points, 100u);
    EXPECT_THAT(Contents(options.curves), testing::Not(testing::ContainsRegex("inf|nan|[0-9]{30}")));
  }
}

TEST_F(Evaluate, TellsAGoodQualityFromNone) {
  const EvaluationReport report = evaluate(options);
  EXPECT_EQ(report.images, static_cast<std::size_t>(kPeople * kPictures));
  EXPECT_EQ(report.identities, static_cast<std::size_t>(kPeople));
  EXPECT_EQ(report.not_compared, 1u);
  EXPECT_EQ(report.mated, static_cast<std::uint64_t>(kPeople * 6));
  EXPECT_EQ(report.mated + report.non_mated, 160u * 159 / 2);
  EXPECT_TRUE(std::isnan(report.accuracy));                                    // the list has no folds
  ASSERT_EQ(report.methods, (std::vector<std::string>{"quality", "random"}));  // no norms were given
  ASSERT_EQ(report.curves.size(), 2u * 3 * 3);
  int compared = 0;
  for (std::size_t k = 0; k < 9; ++k) {
    const EvaluationCurve &good = report.curves[k], &random = report.curves[9 + k];
    EXPECT_EQ(good.protocol, random.protocol);
    EXPECT_EQ(good.fmr, random.fmr);
    if (good.points.empty()) continue;
    ++compared;
    // Protocol C runs out of non-mated comparisons before 30 % at 1e-4, and says so.
    EXPECT_EQ(std::isnan(good.to_30.value), good.points.back().discarded < 0.24) << k;
    if (std::isnan(good.to_30.value)) continue;
    EXPECT_LT(good.to_30.value, random.to_30.value) << k;
    EXPECT_LE(good.to_30.interval.low, good.to_30.interval.high);
    EXPECT_LT(random.to_30.better_than_first, 0.1) << k;
    if (good.protocol != EdcProtocol::kImages) {
      ASSERT_EQ(good.bands.size(), 20u);
    }
    ASSERT_GE(good.bands.size(), 2u);
    for (const EvaluationBand& band : good.bands) EXPECT_LE(band.low, band.high);
    EXPECT_LE(good.bands[0].low, good.points[0].fnmr);
    EXPECT_TRUE(std::isnan(good.to_30.better_than_first));
  }
  EXPECT_EQ(compared, 9);  // 12480 non-mated comparisons are enough for 1e-4
  EXPECT_GT(report.harm_ranks[0][0].value, 0.5);
  EXPECT_LT(std::abs(report.harm_ranks[1][0].value), 0.3);
}

TEST_F(Evaluate, SaysWhereComparisonsAreTooFew) {
  options.fmrs = {1e-5, 1e-2};
  options.resamples = 0;
  const EvaluationReport report = evaluate(options);
  EXPECT_FALSE(report.error_rates[0].enough);
  EXPECT_TRUE(report.error_rates[1].enough);
  EXPECT_LE(report.error_rates[1].fmr, 1e-2);
  EXPECT_GT(report.error_rates[1].fmr, 0.9e-2);
  for (const EvaluationCurve& curve : report.curves) {
    EXPECT_EQ(curve.points.empty(), curve.fmr == 1e-5);
    EXPECT_EQ(std::isnan(curve.to_30.value), curve.fmr == 1e-5);
    EXPECT_TRUE(std::isnan(curve.to_30.interval.low));
  }
}

TEST_F(Evaluate, TakesScoresOfOtherTools) {
  options.qualities = {{.name = "ours", .path = options.rows, .column = {}},
                       {.name = "theirs", .path = folder / "other.csv", .column = {}, .lower_is_better = true},
                       {.name = "wrong way", .path = folder / "other.csv", .column = "blur"}};
  options.resamples = 0;
  options.fmrs = {1e-2};
  options.curves = folder / "curves.csv";
  const EvaluationReport report = evaluate(options);
  ASSERT_EQ(report.methods.size(), 4u);
  // One picture has no quality of ours and is worst by that; theirs is not told.
  EXPECT_NEAR(report.curves[0].to_30.value, report.curves[3].to_30.value, 0.01);
  EXPECT_GT(report.curves[6].to_30.value, report.curves[3].to_30.value);
  const std::string curves = Contents(options.curves);
  EXPECT_THAT(curves,
              testing::StartsWith("method,protocol,wanted_fmr,discarded,fnmr,threshold,fmr,mated,non_mated,quality\n"));
  EXPECT_THAT(curves, testing::HasSubstr("\nwrong way,C,0.01,0.050000,"));
}

TEST_F(Evaluate, IsTheSameAgain) {
  options.fmrs = {1e-2, 1e-3};
  const EvaluationReport a = evaluate(options), b = evaluate(options);
  for (std::size_t k = 0; k < a.curves.size(); ++k) {
    EXPECT_EQ(a.curves[k].to_30.interval.low, b.curves[k].to_30.interval.low);
    EXPECT_EQ(a.curves[k].to_30.interval.high, b.curves[k].to_30.interval.high);
  }
}

TEST_F(Evaluate, MirroredEmbeddingsCountInProtocolA) {
  options.resamples = 0;
  options.fmrs = {1e-2};
  const EvaluationReport alone = evaluate(options);
  options.mirrored = options.embeddings;  // the same face twice: the same similarities
  const EvaluationReport twice = evaluate(options);
  for (std::size_t k = 0; k < alone.curves.size(); ++k) {
    EXPECT_NEAR(alone.curves[k].whole.value, twice.curves[k].whole.value, 1e-12);
  }
}

TEST_F(Evaluate, AllPairsAreThoseOfTheirList) {
  options.fmrs = {1e-2, 1e-3};  // at 1e-4 protocol C ends before 30 %, and areas are NaN
  for (const bool mirrored : {false, true}) {
    if (mirrored) options.mirrored = options.embeddings;
    options.resamples = 20;
    const EvaluationReport list = evaluate(options);
    EvaluationOptions all = options;
    all.pairs = "all";
    all.threads = 3;
    const EvaluationReport same = evaluate(all);
    EXPECT_EQ(same.methods, list.methods);
    EXPECT_EQ(same.images, list.images);
    EXPECT_EQ(same.identities, list.identities);
    EXPECT_EQ(same.not_compared, list.not_compared);
    EXPECT_EQ(same.mated, list.mated);
    EXPECT_EQ(same.non_mated, list.non_mated);
    for (std::size_t k = 0; k < list.error_rates.size(); ++k) {
      EXPECT_EQ(same.error_rates[k].fnmr, list.error_rates[k].fnmr);
      EXPECT_EQ(same.error_rates[k].fmr, list.error_rates[k].fmr);
      EXPECT_EQ(same.error_rates[k].interval.high, list.error_rates[k].interval.high);
    }
    ASSERT_EQ(same.curves.size(), list.curves.size());
    for (std::size_t k = 0; k < list.curves.size(); ++k) {
      const EvaluationCurve &a = same.curves[k], &b = list.curves[k];
      ASSERT_EQ(a.points.size(), b.points.size());
      for (std::size_t i = 0; i < a.points.size(); ++i) {
        EXPECT_EQ(a.points[i].mated, b.points[i].mated);
        EXPECT_EQ(a.points[i].non_mated, b.points[i].non_mated);
        EXPECT_EQ(a.points[i].fnmr, b.points[i].fnmr);
      }
      EXPECT_EQ(a.to_30.value, b.to_30.value);
      EXPECT_EQ(a.to_30.reversed, b.to_30.reversed);
      EXPECT_EQ(a.to_30.interval.low, b.to_30.interval.low);
      EXPECT_EQ(a.to_30.interval.high, b.to_30.interval.high);
    }
  }
}

// So many may pass that those which cannot be compared are among them.
TEST_F(Evaluate, AllPairsHaveAnEndWhereNearlyAllMayPass) {
  options.fmrs = {0.999};
  options.resamples = 3;
  const EvaluationReport list = evaluate(options);
  options.pairs = "all";
  const EvaluationReport all = evaluate(options);
  ASSERT_EQ(all.curves.size(), list.curves.size());
  for (std::size_t k = 0; k < list.curves.size(); ++k) {
    EXPECT_EQ(all.curves[k].points.size(), list.curves[k].points.size());
    EXPECT_EQ(all.curves[k].to_30.value, list.curves[k].to_30.value);
  }
}

TEST_F(Evaluate, AllPairsNeedTwoPeople) {
  std::string rows = "path,quality\n";
  for (int i = 0; i < kPeople * kPictures; ++i) rows += fmt::format("one/{}.png,{}\n", i, i);
  Fill(folder / "one.csv", rows);
  options.pairs = "all";
  options.rows = folder / "one.csv";
  options.resamples = 0;
  EXPECT_THROW(evaluate(options), Error);
}

TEST_F(Evaluate, DrawsOfOnePersonSayNothing) {
  // Of two people every other draw is of one of them alone.
  std::string rows = "path,quality\n", pairs = "file_a,file_b,mated,identity_a,identity_b\n";
  for (int i = 0; i < kPeople * kPictures; ++i) rows += fmt::format("{}/{}.png,{}\n", i % 2, i, i % 13);
  for (int a = 0; a < 40; ++a) {
    for (int b = a + 1; b < 40; ++b) {
      pairs += fmt::format("{}/{},{}/{},{},{},{}\n", a % 2, a, b % 2, b, (a + b) % 2 == 0 ? 1 : 0, a % 2, b % 2);
    }
  }
  Fill(folder / "two.csv", rows);
  Fill(folder / "two_pairs.csv", pairs);
  options.rows = folder / "two.csv";
  options.resamples = 20;
  options.fmrs = {0.1};
  for (const char* which : {"two_pairs.csv", "all"}) {
    options.pairs = which == std::string("all") ? "all" : folder / which;
    const EvaluationReport report = evaluate(options);
    // Similarities of unrelated noise: nearly all mated ones are below the threshold, in whatever draw has one.
    EXPECT_GT(report.error_rates[0].interval.low, 0.5) << which;
    for (const EvaluationCurve& curve : report.curves) {
      if (curve.protocol != EdcProtocol::kFixedThreshold) continue;
      EXPECT_GT(curve.to_20.interval.low, 0) << which;
    }
  }
}

TEST_F(Evaluate, WhatCannotBeComparedIsTheWorstForAll) {
  // The picture without an embedding, by a tool that calls it the best, and by one that leaves it out.
  std::string best = "name,score\n", none = "name,score\n";
  for (int p = 0; p < kPeople; ++p) {
    for (int k = 0; k < kPictures; ++k) {
      const bool undetected = p == 0 && k == 0;
      best += fmt::format("{}/{},{}\n", p, k, undetected ? 1000 : (p * 7 + k * 3) % 50);
      if (!undetected) none += fmt::format("{}/{},{}\n", p, k, (p * 7 + k * 3) % 50);
    }
  }
  Fill(folder / "best.csv", best);
  Fill(folder / "none.csv", none);
  options.qualities = {{.name = "best", .path = folder / "best.csv", .column = "score"},
                       {.name = "none", .path = folder / "none.csv", .column = "score"}};
  options.resamples = 0;
  const EvaluationReport report = evaluate(options);
  ASSERT_EQ(report.curves.size(), 27u);
  for (std::size_t k = 0; k < 9; ++k) {
    const EvaluationCurve &a = report.curves[k], &b = report.curves[9 + k];
    ASSERT_EQ(a.points.size(), b.points.size());
    for (std::size_t i = 0; i < a.points.size(); ++i) EXPECT_EQ(a.points[i].fnmr, b.points[i].fnmr) << k;
  }
  EXPECT_EQ(report.missing_qualities, (std::vector<std::size_t>{0, 0, 0}));
  Fill(folder / "few.csv", "name,score\n1/1,2\n1/2,3\n");
  options.qualities = {{.name = "few", .path = folder / "few.csv", .column = "score"}};
  EXPECT_EQ(evaluate(options).missing_qualities[0], static_cast<std::size_t>(kPeople * kPictures) - 3);
}

TEST_F(Evaluate, TiesArePartOfProtocolsAAndC) {
  std::string scores = "name,score\n";
  for (int p = 0; p < kPeople; ++p) {
    for (int k = 0; k < kPictures; ++k) scores += fmt::format("{}/{},{}\n", p, k, k % 2);
  }
  Fill(folder / "ties.csv", scores);
  options.qualities = {{.name = "ties", .path = folder / "ties.csv", .column = "score"}};
  options.resamples = 0;
  options.fmrs = {0.01};
  for (const char* pairs : {"all", "pairs.csv"}) {
    options.pairs = pairs == std::string("all") ? "all" : folder / pairs;
    const EvaluationReport report = evaluate(options);
    for (const EvaluationCurve& curve : report.curves) {
      if (curve.method != 0) continue;
      ASSERT_TRUE(std::isfinite(curve.to_20.reversed) && std::isfinite(curve.to_20.value));
      const bool moved = curve.to_20.reversed != curve.to_20.value;
      EXPECT_EQ(moved, curve.protocol != EdcProtocol::kFixedThreshold) << pairs << static_cast<int>(curve.protocol);
    }
  }
}

TEST_F(Evaluate, FullNamesGoBeforeShortenedOnes) {
  std::string rows = "path,quality\n", scores = "path,score\n";
  for (int i = 0; i < kPeople * kPictures; ++i) {
    rows += fmt::format("{}/{}.{}\n", i / 4, i % 4 / 2, i % 2 ? "png,1" : "jpg,2");
    scores += fmt::format("{}/{}.{},{}\n", i / 4, i % 4 / 2, i % 2 ? "png" : "jpg", i);
  }
  Fill(folder / "same.csv", rows);
  Fill(folder / "scores.csv", scores);
  options.pairs = "all";
  options.rows = folder / "same.csv";
  options.qualities = {{.name = "scores", .path = folder / "scores.csv", .column = "score"}};
  options.resamples = 0;
  EXPECT_EQ(evaluate(options).missing_qualities[0], 0u);
}

TEST_F(Evaluate, HarmWantsEnoughComparisons) {
  options.resamples = 0;
  const EvaluationReport enough = evaluate(options);
  ASSERT_TRUE(std::isfinite(enough.harm_ranks[0][0].value) && std::isfinite(enough.harm_ranks[0][0].reversed));
  EXPECT_GT(enough.harm_ranks[0][0].value, enough.harm_ranks[0][0].reversed);
  std::string pairs = "file_a,file_b,mated\n";
  for (int p = 1; p < 31; ++p) pairs += fmt::format("{}/0,{}/1,1\n{}/0,{}/1,0\n", p, p, p, p + 1);
  Fill(folder / "short.csv", pairs);
  options.pairs = folder / "short.csv";
  const EvaluationReport few = evaluate(options);
  EXPECT_TRUE(std::isnan(few.harm_ranks[0][0].value) && std::isnan(few.harm_ranks[0][1].reversed));
}

TEST_F(Evaluate, RefusesWhatDoesNotFit) {
  const auto refused = [&](auto&& change) {
    EvaluationOptions broken = options;
    change(broken);
    try {
      evaluate(broken);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  using testing::HasSubstr;
  EXPECT_THAT(refused([](auto& o) { o.fmrs = {}; }), HasSubstr("no FMR"));
  EXPECT_THAT(refused([](auto& o) { o.fmrs = {1}; }), HasSubstr("FMR 1"));
  EXPECT_THAT(refused([](auto& o) { o.fmrs = {NAN}; }), HasSubstr("FMR nan"));
  EXPECT_THAT(refused([](auto& o) { o.resamples = -1; }), HasSubstr("resamples"));
  EXPECT_THAT(refused([&](auto& o) { o.embeddings = o.rows; }), HasSubstr("rows.csv: not a .npy"));
  Fill(folder / "few.csv", "path,quality\n/pictures/0/0.png,1\n");
  EXPECT_THAT(refused([&](auto& o) { o.rows = folder / "few.csv"; }), HasSubstr("0/1"));
  EXPECT_THAT(refused([&](auto& o) { o.qualities = {{"x", folder / "few.csv", "score"}}; }), HasSubstr("column score"));
  Fill(folder / "other_names.csv", "path,quality\nzzz.png,1\n");
  EXPECT_THAT(refused([&](auto& o) {
                o.qualities = {{"x", folder / "other_names.csv", ""}};
              }),
              HasSubstr("no number for any"));
  EXPECT_THAT(refused([&](auto& o) { o.qualities = {{"random", folder / "rows.csv", ""}}; }), HasSubstr("two methods"));
  Fill(folder / "homeless.csv", "path,quality\nannie.png,1\n");
  EXPECT_THAT(refused([&](auto& o) { o.pairs = "all", o.rows = folder / "homeless.csv"; }), HasSubstr("who is it?"));
  Fill(folder / "contradiction.csv", "file_a,file_b,mated\n0/1,0/2,1\n0/2,0/3,1\n0/1,0/3,0\n");
  EXPECT_THAT(refused([&](auto& o) { o.pairs = folder / "contradiction.csv"; }), HasSubstr("pair 3"));
}

}  // namespace
}  // namespace prefiqs
