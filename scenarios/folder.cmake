embed(dodam_scenarios run_report ${CMAKE_SOURCE_DIR}/scenarios/runner/report.html)
embed(dodam_scenarios gate_workflow ${CMAKE_SOURCE_DIR}/scenarios/push/gate.yml)
