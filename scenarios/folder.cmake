embed(dodam_scenarios run_report ${CMAKE_SOURCE_DIR}/scenarios/runner/report.html)
