// PrivacyReports
