// TacitTestSupport
